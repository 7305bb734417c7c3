// SPDX-License-Identifier: MIT
//
// Services of the spec: connections to those that the app needs, and from the clients of those
// that it provides. Both are waited for alike.
#include "apps/js/native/service.h"

#include "apps/js/native/channel.h"
#include "apps/js/runtime/waiters.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/syscall.h"

// What connections come from; it stays for as long as the app runs.
struct endpoint {
	struct list entry;
	handle_t handle;  // the environment's
	bool is_provided;
	bool is_added;  // to the loop
	struct source source;
	struct js_waiters waiters;
};

static struct list endpoints = { .next = &endpoints, .prev = &endpoints };

static error_t take(const struct endpoint *endpoint, handle_t *out)
{
	return endpoint->is_provided ? service_accept(endpoint->handle, out)
				     : service_connect(endpoint->handle, out);
}

static bool is_to_wait(const struct endpoint *endpoint, error_t err)
{
	return err == (endpoint->is_provided ? ERR_EMPTY : ERR_NOT_READY);
}

// Gives connections to those who wait, as many as there are.
static void serve(JSContext *ctx, struct endpoint *endpoint)
{
	struct js_waiter *waiter;

	while ((waiter = js_waiters_first(&endpoint->waiters)) != NULL) {
		handle_t channel;
		error_t err = take(endpoint, &channel);

		if (js_handle_retry(ctx, err))
			err = take(endpoint, &channel);
		if (is_to_wait(endpoint, err))
			return;
		if (err != 0)
			js_waiter_reject(ctx, waiter, js_error(ctx, err, "a connection"));
		else
			js_waiter_resolve(ctx, waiter, js_channel_new(ctx, channel));
		js_watch_end();
	}
}

static void signalled(struct loop *loop, struct source *source)
{
	struct endpoint *endpoint = source->context;

	(void)loop;
	serve(js.ctx, endpoint);
	js_run_jobs();
	if (!js_waiters_any(&endpoint->waiters))
		source_want_messages(source, false);
}

static const struct source_ops endpoint_ops = { .signalled = signalled };

// NULL: an exception is pending.
static struct endpoint *endpoint_of(JSContext *ctx, handle_t handle, bool is_provided)
{
	struct endpoint *endpoint;

	list_for_each(at, &endpoints) {
		endpoint = container_of(at, struct endpoint, entry);
		if (endpoint->handle == handle)
			return endpoint;
	}
	endpoint = js_mallocz(ctx, sizeof(*endpoint));
	if (endpoint == NULL)
		return NULL;
	endpoint->handle = handle;
	endpoint->is_provided = is_provided;
	js_waiters_init(&endpoint->waiters);
	list_push_back(&endpoints, &endpoint->entry);
	return endpoint;
}

// -1 with an exception pending.
static int watch(JSContext *ctx, struct endpoint *endpoint)
{
	error_t err;

	if (endpoint->is_added) {
		source_want_messages(&endpoint->source, true);
		return 0;
	}
	err = loop_add(&js.loop, &endpoint->source, endpoint->handle, &endpoint_ops, endpoint);
	if (err != 0) {
		js_throw(ctx, err, "a service");
		return -1;
	}
	endpoint->is_added = true;
	return 0;
}

static JSValue wait_for_connection(JSContext *ctx, handle_t handle, bool is_provided)
{
	struct endpoint *endpoint = endpoint_of(ctx, handle, is_provided);
	struct js_waiter *waiter;
	JSValue promise;

	if (endpoint == NULL || watch(ctx, endpoint) < 0)
		return JS_EXCEPTION;
	promise = js_waiters_add(ctx, &endpoint->waiters, 0, &waiter);
	if (JS_IsException(promise))
		return promise;
	js_watch_begin();
	serve(ctx, endpoint);
	if (!js_waiters_any(&endpoint->waiters))
		source_want_messages(&endpoint->source, false);
	return promise;
}

// The name of a service, of a need or provision that the spec has. NULL: an exception is pending.
static const char *declared_name(JSContext *ctx, JSValueConst value, enum env_kind kind)
{
	const char *name = JS_ToCString(ctx, value);

	if (name == NULL || environ_declares(js.env, kind, name))
		return name;
	JS_ThrowTypeError(ctx, "the app's spec does not %s the service '%.31s'",
	                  kind == ENV_SERVICE ? "provide" : "need", name);
	JS_FreeCString(ctx, name);
	return NULL;
}

static JSValue connect(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *name = declared_name(ctx, argv[0], ENV_CONNECTOR);
	handle_t handle;

	(void)self;
	(void)argc;
	if (name == NULL)
		return JS_EXCEPTION;
	handle = environ_connector(js.env, name);
	JS_FreeCString(ctx, name);
	if (handle == HANDLE_NONE)
		return js_throw(ctx, ERR_NOT_FOUND, "an optional service that nobody provides");
	return wait_for_connection(ctx, handle, false);
}

static JSValue accept(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *name = declared_name(ctx, argv[0], ENV_SERVICE);
	handle_t handle;

	(void)self;
	(void)argc;
	if (name == NULL)
		return JS_EXCEPTION;
	handle = environ_service(js.env, name);
	JS_FreeCString(ctx, name);
	return wait_for_connection(ctx, handle, true);
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("connect", 1, connect),
	JS_CFUNC_DEF("accept", 1, accept),
};

const struct js_native js_native_service = {
	.name = "service",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
	.init = js_channel_init,
};
