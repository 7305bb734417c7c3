// SPDX-License-Identifier: MIT
//
// Sending on a channel, and requests.
#include "apps/js/native/channel_private.h"
#include "libs/starina/syscall.h"

// Sends what was encoded. NULL: it was not sent, an exception is pending. No code of the script's
// has run since its handles were looked at.
static struct js_channel *send_encoded(JSContext *ctx, JSValueConst self, struct js_outgoing *out)
{
	struct js_channel *c = js_channel_of(ctx, self);
	error_t err;

	if (c == NULL || js_outgoing_handles(ctx, out) < 0)
		return NULL;
	for (uint32_t i = 0; i < out->num_objects; i++) {
		if (js_channel_has_kept(js_handle_peek(out->objects[i], NULL))) {
			js_throw(ctx, ERR_BAD_STATE,
			         "send: a channel has messages that were not received");
			return NULL;
		}
	}
	err = channel_send(c->h.handle, &out->m);
	if (err != 0) {
		js_throw(ctx, err, "send");
		return NULL;
	}
	js_outgoing_sent(ctx, out);
	return c;
}

JSValue js_channel_send(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_outgoing out;
	bool sent;

	(void)argc;
	if (js_message_encode(ctx, argv[0], 0, &out) < 0)
		return JS_EXCEPTION;
	sent = send_encoded(ctx, self, &out) != NULL;
	js_outgoing_free(ctx, &out);
	return sent ? JS_UNDEFINED : JS_EXCEPTION;
}

// An id that no request of the channel has, for one that names none.
static uint64_t next_id(struct js_channel *c)
{
	c->last_id = c->last_id % UINT32_MAX + 1;
	return c->last_id;
}

static bool is_asked(const struct js_channel *c, uint64_t id)
{
	list_for_each(at, &c->requests.list) {
		if (container_of(at, struct js_waiter, entry)->key == id)
			return true;
	}
	return false;
}

// Sends the request and waits for its answer. The exception is pending when it was not sent.
static JSValue ask(JSContext *ctx, JSValueConst self, struct js_outgoing *out)
{
	struct js_channel *c = js_channel_of(ctx, self);
	struct js_waiter *waiter;
	JSValue promise;
	uint64_t id;

	if (c == NULL)
		return JS_EXCEPTION;
	if (!message_id(&out->m, &id))
		return JS_ThrowTypeError(ctx, "request: a message with an id is wanted");
	if (js_channel_is_full(c))
		return js_throw(ctx, ERR_PROTOCOL, "request: the peer sent what nobody received");
	if (is_asked(c, id))
		return js_throw(ctx, ERR_EXISTS, "request: one with this id waits");
	promise = js_waiters_add(ctx, &c->requests, id, &waiter);
	if (JS_IsException(promise))
		return promise;
	// Sending may close what is sent, but not this channel, which cannot be in the message.
	if (js_channel_watch(ctx, c, true) == 0 && send_encoded(ctx, self, out) != NULL) {
		js_channel_hold(ctx, c);
		return promise;
	}
	js_waiter_free(JS_GetRuntime(ctx), waiter);
	JS_FreeValue(ctx, promise);
	return JS_EXCEPTION;
}

JSValue js_channel_request(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_channel *c = js_channel_of(ctx, self);
	struct js_outgoing out;
	JSValue promise;

	(void)argc;
	if (c == NULL || js_message_encode(ctx, argv[0], next_id(c), &out) < 0)
		return JS_EXCEPTION;
	promise = ask(ctx, self, &out);
	js_outgoing_free(ctx, &out);
	return promise;
}

// Settled once one more send fits.
JSValue js_channel_writable(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_channel *c = js_channel_of(ctx, self);
	struct js_waiter *waiter;
	JSValue promise;

	(void)argc;
	(void)argv;
	if (c == NULL)
		return JS_EXCEPTION;
	promise = js_waiters_add(ctx, &c->writers, 0, &waiter);
	if (JS_IsException(promise))
		return promise;
	if (js_channel_watch(ctx, c, false) < 0) {
		js_waiter_reject(ctx, waiter, JS_GetException(ctx));
		return promise;
	}
	source_want_writable(&c->source, true);
	js_channel_hold(ctx, c);
	return promise;
}
