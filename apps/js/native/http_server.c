// SPDX-License-Identifier: MIT
//
// native:http: serve(uri, handler, max) gives a Server; `handler` is called with an Exchange, its
// method, target, fields (name, value, ...), whether it asks for a WebSocket and whether it has a
// body.
#include "apps/js/native/http.h"
#include "apps/js/native/native.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"

static JSClassID server_class;

static void server_end(struct js_http_server *s)
{
	if (!s->open)
		return;
	s->open = false;
	http_server_stop(&s->server);
	js_watch_end();
}

static void server_finalised(JSRuntime *rt, JSValue value)
{
	struct js_http_server *s = JS_GetOpaque(value, server_class);

	if (s == NULL)
		return;
	server_end(s);
	js_waiters_free(rt, &s->listening);
	JS_FreeValueRT(rt, s->handler);
	js_free_rt(rt, s);
}

static void server_mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark)
{
	struct js_http_server *s = JS_GetOpaque(value, server_class);

	if (s == NULL)
		return;
	JS_MarkValue(rt, s->handler, mark);
	js_waiters_mark(rt, &s->listening, mark);
}

static const JSClassDef server_class_def = {
	.class_name = "Server",
	.finalizer = server_finalised,
	.gc_mark = server_mark,
};

static void listens(void *context, bool now)
{
	struct js_http_server *s = context;

	s->listens = now;
	if (now)
		js_waiters_resolve_later(js.ctx, &s->listening);
}

static void refused(void *context, error_t error)
{
	struct js_http_server *s = context;

	js_waiters_reject_later(js.ctx, &s->listening, error, "cannot listen");
}

static JSValue server_close(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_http_server *s = JS_GetOpaque2(ctx, self, server_class);
	JSValue kept;

	(void)argc;
	(void)argv;
	if (s == NULL)
		return JS_EXCEPTION;
	if (!s->open)
		return JS_UNDEFINED;
	server_end(s);
	js_waiters_reject_later(ctx, &s->listening, ERR_BAD_HANDLE, "the server was closed");
	kept = s->self;
	s->self = JS_UNDEFINED;
	JS_FreeValue(ctx, kept);
	return JS_UNDEFINED;
}

// Resolves once it listens.
static JSValue server_listening(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_http_server *s = JS_GetOpaque2(ctx, self, server_class);

	(void)argc;
	(void)argv;
	if (s == NULL)
		return JS_EXCEPTION;
	if (!s->open)
		return js_throw(ctx, ERR_BAD_HANDLE, "the server is closed");
	if (s->listens)
		return js_resolved(ctx, JS_UNDEFINED);
	return js_waiters_add(ctx, &s->listening, 0, NULL);
}

static const JSCFunctionListEntry server_functions[] = {
	JS_CFUNC_DEF("close", 0, server_close),
	JS_CFUNC_DEF("listening", 0, server_listening),
};

// NULL: it threw.
static struct js_http_server *server_new(JSContext *ctx, JSValue *object)
{
	struct js_http_server *s = js_mallocz(ctx, sizeof(*s));

	*object = s != NULL ? JS_NewObjectClass(ctx, (int)server_class) : JS_EXCEPTION;
	if (JS_IsException(*object)) {
		js_free(ctx, s);
		return NULL;
	}
	s->self = JS_UNDEFINED;
	s->handler = JS_UNDEFINED;
	js_waiters_init(&s->listening);
	JS_SetOpaque(*object, s);
	return s;
}

static JSValue serve(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	static const struct http_server_options options = { .listens = listens,
		                                            .refused = refused };
	handle_t connector = environ_connector(js.env, "tcpip");
	struct js_http_server *s;
	const char *uri;
	JSValue object;
	error_t err;

	(void)self;
	(void)argc;
	if (!environ_declares(js.env, ENV_CONNECTOR, "tcpip"))
		return JS_ThrowTypeError(
			ctx,
			"the app's spec says needs: [{ service: \"tcpip\" }] to use the network");
	if (connector == HANDLE_NONE)
		return js_throw(ctx, ERR_NOT_FOUND, "nobody provides the service tcpip");
	if (!JS_IsFunction(ctx, argv[1]))
		return JS_ThrowTypeError(ctx, "a server has a handler");
	s = server_new(ctx, &object);
	uri = s != NULL && js_to_u32(ctx, argv[2], UINT32_MAX, &s->max_open) == 0
		? JS_ToCString(ctx, argv[0])
		: NULL;
	if (uri == NULL) {
		JS_FreeValue(ctx, object);
		return JS_EXCEPTION;
	}
	err = strlen(uri) < sizeof(s->uri) ? 0 : ERR_TOO_LARGE;
	str_copy(s->uri, uri, sizeof(s->uri));
	JS_FreeCString(ctx, uri);
	if (err == 0)
		err = http_server_start(&js.loop, &s->server, connector, s->uri,
		                        &js_exchange_handler, s);
	if (err != 0) {
		JS_FreeValue(ctx, object);
		return js_throw(ctx, err, "cannot listen");
	}
	http_server_configure(&s->server, &options);
	s->open = true;
	s->handler = JS_DupValue(ctx, argv[1]);
	s->self = JS_DupValue(ctx, object);
	js_watch_begin();
	return object;
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("serve", 3, serve),
	JS_CFUNC_DEF("responseHead", 1, js_http_response_head),
	JS_CFUNC_DEF("chunked", 0, js_http_chunked),
	JS_CFUNC_DEF("websocketPrototype", 0, js_websocket_prototype),
};

int js_http_class(JSContext *ctx, JSClassID *id, const JSClassDef *def,
                  const JSCFunctionListEntry *functions, int count)
{
	JSValue proto = JS_NewObject(ctx);

	JS_NewClassID(id);
	if (JS_IsException(proto) || JS_NewClass(js.rt, *id, def) != 0) {
		JS_FreeValue(ctx, proto);
		return -1;
	}
	JS_SetPropertyFunctionList(ctx, proto, functions, count);
	JS_SetClassProto(ctx, *id, proto);
	return 0;
}

static int init(JSContext *ctx)
{
	if (js_http_class(ctx, &server_class, &server_class_def, server_functions,
	                  sizeof(server_functions) / sizeof(server_functions[0])) != 0 ||
	    js_http_exchange_init(ctx) != 0 || js_http_websocket_init(ctx) != 0)
		return -1;
	return js_http_parse_init(ctx);
}

const struct js_native js_native_http = {
	.name = "http",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
	.init = init,
};
