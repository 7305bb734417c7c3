// SPDX-License-Identifier: MIT
//
// WebSockets. So much is read ahead of the script that the end of one is noticed, and no more.
#include "apps/js/native/http.h"
#include "libs/base/string.h"
#include "libs/base/utf8.h"

#define AHEAD_MESSAGES 16u
#define AHEAD_BYTES (64u * 1024)
#define REASON_MAX 123u

struct js_websocket {
	struct js_http_server *server;
	struct websocket *ws;  // NULL: it is over
	JSValue self;          // while it is not
	struct js_waiters readers;
	struct js_waiters room;
	struct list messages;  // that came and were not asked for
	uint32_t num_messages;
	size_t bytes;  // of these
	bool paused;
};

struct ws_message {
	struct list entry;
	bool is_text;
	size_t len;
	uint8_t bytes[];
};

static JSClassID websocket_class;

static void messages_drop(JSRuntime *rt, struct js_websocket *w)
{
	struct list *entry;

	while ((entry = list_pop_front(&w->messages)) != NULL)
		js_free_rt(rt, container_of(entry, struct ws_message, entry));
}

static void websocket_finalised(JSRuntime *rt, JSValue value)
{
	struct js_websocket *w = JS_GetOpaque(value, websocket_class);

	// One that is not over has a reference to itself.
	if (w == NULL)
		return;
	js_waiters_free(rt, &w->readers);
	js_waiters_free(rt, &w->room);
	messages_drop(rt, w);
	js_free_rt(rt, w);
}

static void websocket_mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark)
{
	struct js_websocket *w = JS_GetOpaque(value, websocket_class);

	if (w == NULL)
		return;
	js_waiters_mark(rt, &w->readers, mark);
	js_waiters_mark(rt, &w->room, mark);
}

static const JSClassDef websocket_class_def = {
	.class_name = "WebSocket",
	.finalizer = websocket_finalised,
	.gc_mark = websocket_mark,
};

// --- What comes ----------------------------------------------------------------------------------

// A string or a Uint8Array.
static JSValue value_of(JSContext *ctx, bool is_text, struct span bytes)
{
	return is_text ? JS_NewStringLen(ctx, (const char *)bytes.data, bytes.len)
		       : js_new_bytes(ctx, bytes);
}

static bool is_ahead(const struct js_websocket *w)
{
	return w->num_messages >= AHEAD_MESSAGES || w->bytes >= AHEAD_BYTES;
}

static void pause_set(struct js_websocket *w, bool pause)
{
	if (w->ws == NULL || w->paused == pause)
		return;
	w->paused = pause;
	websocket_pause(w->ws, pause);
}

static void on_message(void *context, struct websocket *ws, bool is_text, struct span bytes)
{
	struct js_websocket *w = context;
	struct js_waiter *waiter = js_waiters_first(&w->readers);
	struct ws_message *message;

	if (waiter != NULL) {
		js_waiter_resolve_later(
			js.ctx, waiter,
			js_iteration(js.ctx, value_of(js.ctx, is_text, bytes), false));
		return;
	}
	message = js_malloc_rt(js.rt, sizeof(*message) + bytes.len);
	if (message == NULL) {
		websocket_close(ws, WEBSOCKET_FAILED, "out of memory");
		return;
	}
	message->is_text = is_text;
	message->len = bytes.len;
	if (bytes.len > 0)
		memcpy(message->bytes, bytes.data, bytes.len);
	list_push_back(&w->messages, &message->entry);
	w->num_messages++;
	w->bytes += bytes.len;
	if (is_ahead(w))
		pause_set(w, true);
}

static void on_writable(void *context, struct websocket *ws)
{
	struct js_websocket *w = context;

	(void)ws;
	js_waiters_resolve_later(js.ctx, &w->room);
}

// What came before its end can still be read.
static void on_gone(void *context, struct websocket *ws)
{
	struct js_websocket *w = context;
	struct js_waiter *waiter;

	(void)ws;
	w->ws = NULL;
	w->server->num_open--;
	while ((waiter = js_waiters_first(&w->readers)) != NULL)
		js_waiter_resolve_later(js.ctx, waiter, js_iteration(js.ctx, JS_UNDEFINED, true));
	js_waiters_reject_later(js.ctx, &w->room, ERR_PEER_CLOSED, "the WebSocket is closed");
	JS_FreeValue(js.ctx, w->self);
}

static const struct websocket_handler handler = {
	.message = on_message,
	.writable = on_writable,
	.gone = on_gone,
};

// --- What the script calls -----------------------------------------------------------------------

JSValue js_websocket_start(JSContext *ctx, struct js_exchange *e, const char *protocol,
                           uint32_t max)
{
	struct js_websocket *w = js_mallocz(ctx, sizeof(*w));
	JSValue object = w != NULL ? JS_NewObjectClass(ctx, (int)websocket_class) : JS_EXCEPTION;
	struct http_exchange *exchange = e->exchange;
	JSValue kept = e->self;
	error_t err;

	if (JS_IsException(object)) {
		js_free(ctx, w);
		return object;
	}
	w->server = e->server;
	js_waiters_init(&w->readers);
	js_waiters_init(&w->room);
	list_init(&w->messages);
	JS_SetOpaque(object, w);
	// From here on what is open is the WebSocket, in the exchange's place.
	exchange->user = NULL;
	e->exchange = NULL;
	w->self = JS_DupValue(ctx, object);
	err = websocket_start(exchange, (struct span){ e->key, sizeof(e->key) }, protocol, max,
	                      &handler, w, &w->ws);
	JS_FreeValue(ctx, kept);
	if (err == 0)
		return object;
	w->server->num_open--;
	JS_FreeValue(ctx, w->self);
	JS_FreeValue(ctx, object);
	return js_throw(ctx, err, "the WebSocket");
}

static struct js_websocket *websocket_of(JSContext *ctx, JSValueConst self)
{
	return JS_GetOpaque2(ctx, self, websocket_class);
}

// The bytes of what is to be sent; `*text` is to be freed. -1: it threw.
static int content_of(JSContext *ctx, JSValueConst value, const char **text, struct span *bytes)
{
	*text = NULL;
	if (!JS_IsString(value))
		return js_get_bytes(ctx, value, bytes);
	*text = JS_ToCStringLen(ctx, &bytes->len, value);
	bytes->data = (const uint8_t *)*text;
	// A string may have half of a surrogate pair, for which a client would close the WebSocket.
	if (*text != NULL && utf8_is_valid(*bytes))
		return 0;
	if (*text != NULL)
		JS_ThrowTypeError(ctx, "a text is not well-formed");
	JS_FreeCString(ctx, *text);
	return -1;
}

// send(string or bytes): ERR_FULL, and nothing is sent, while the client does not take what was.
static JSValue ws_send(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_websocket *w = websocket_of(ctx, self);
	const char *text;
	struct span bytes;
	error_t err;

	(void)argc;
	if (w == NULL || content_of(ctx, argv[0], &text, &bytes) != 0)
		return JS_EXCEPTION;
	if (w->ws == NULL)
		err = ERR_PEER_CLOSED;
	else if (!websocket_can_send(w->ws))
		err = ERR_FULL;
	else
		err = websocket_send(w->ws, text != NULL, bytes);
	JS_FreeCString(ctx, text);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "the WebSocket");
}

// writable(): resolves when one more may be sent.
static JSValue ws_writable(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_websocket *w = websocket_of(ctx, self);

	(void)argc;
	(void)argv;
	if (w == NULL)
		return JS_EXCEPTION;
	if (w->ws == NULL)
		return js_throw(ctx, ERR_PEER_CLOSED, "the WebSocket is closed");
	if (websocket_can_send(w->ws))
		return js_resolved(ctx, JS_UNDEFINED);
	return js_waiters_add(ctx, &w->room, 0, NULL);
}

static JSValue ws_next(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_websocket *w = websocket_of(ctx, self);
	struct ws_message *message;
	struct list *entry;
	JSValue value;

	(void)argc;
	(void)argv;
	if (w == NULL)
		return JS_EXCEPTION;
	entry = list_pop_front(&w->messages);
	if (entry == NULL)
		return w->ws == NULL ? js_resolved(ctx, js_iteration(ctx, JS_UNDEFINED, true))
				     : js_waiters_add(ctx, &w->readers, 0, NULL);
	message = container_of(entry, struct ws_message, entry);
	w->num_messages--;
	w->bytes -= message->len;
	value = value_of(ctx, message->is_text, (struct span){ message->bytes, message->len });
	js_free(ctx, message);
	if (!is_ahead(w))
		pause_set(w, false);
	return js_resolved(ctx, js_iteration(ctx, value, false));
}

// close(code, reason): 1000 if it is not said. One that is closed is left alone.
static JSValue ws_close(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_websocket *w = websocket_of(ctx, self);
	uint32_t code = WEBSOCKET_NORMAL;
	const char *reason = NULL;
	bool ok = w != NULL;

	(void)argc;
	if (ok && !JS_IsUndefined(argv[0]))
		ok = js_to_u32(ctx, argv[0], 4999, &code) == 0;
	if (ok && code != WEBSOCKET_NORMAL && code < 3000 && code != WEBSOCKET_REFUSED &&
	    code != WEBSOCKET_FAILED && code != WEBSOCKET_GOING_AWAY) {
		JS_ThrowRangeError(ctx, "a WebSocket is not closed with code %u", code);
		return JS_EXCEPTION;
	}
	if (ok && !JS_IsUndefined(argv[1])) {
		reason = JS_ToCString(ctx, argv[1]);
		ok = reason != NULL;
	}
	if (ok && reason != NULL && strlen(reason) > REASON_MAX) {
		js_throw(ctx, ERR_TOO_LARGE, "a reason has at most 123 bytes");
		ok = false;
	}
	// The reason may have been an object that closed it.
	if (ok && w->ws != NULL)
		websocket_close(w->ws, code, reason != NULL ? reason : "");
	JS_FreeCString(ctx, reason);
	return ok ? JS_UNDEFINED : JS_EXCEPTION;
}

static JSValue ws_return(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_websocket *w = websocket_of(ctx, self);

	(void)argc;
	(void)argv;
	if (w == NULL)
		return JS_EXCEPTION;
	if (w->ws != NULL)
		websocket_close(w->ws, WEBSOCKET_NORMAL, "");
	messages_drop(js.rt, w);
	w->num_messages = 0;
	w->bytes = 0;
	return js_resolved(ctx, js_iteration(ctx, JS_UNDEFINED, true));
}

static JSValue ws_iterator(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)argc;
	(void)argv;
	return JS_DupValue(ctx, self);
}

static JSValue ws_closed(JSContext *ctx, JSValueConst self)
{
	struct js_websocket *w = websocket_of(ctx, self);

	return w != NULL ? JS_NewBool(ctx, w->ws == NULL) : JS_EXCEPTION;
}

static const JSCFunctionListEntry websocket_functions[] = {
	JS_CFUNC_DEF("send", 1, ws_send),
	JS_CFUNC_DEF("writable", 0, ws_writable),
	JS_CFUNC_DEF("next", 0, ws_next),
	JS_CFUNC_DEF("return", 0, ws_return),
	JS_CFUNC_DEF("close", 2, ws_close),
	JS_CFUNC_DEF("[Symbol.asyncIterator]", 0, ws_iterator),
	JS_CGETSET_DEF("closed", ws_closed, NULL),
};

JSValue js_websocket_prototype(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	return JS_GetClassProto(ctx, websocket_class);
}

int js_http_websocket_init(JSContext *ctx)
{
	return js_http_class(ctx, &websocket_class, &websocket_class_def, websocket_functions,
	                     sizeof(websocket_functions) / sizeof(websocket_functions[0]));
}
