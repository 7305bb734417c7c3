// SPDX-License-Identifier: MIT
//
// Requests and their responses. A body is paused but for while somebody waits for its next piece,
// so a client that sends more than is read waits.
#include "apps/js/native/http.h"
#include "libs/base/string.h"

#define BODY_DROPPED "the request was answered before its body was read"

static JSClassID exchange_class;

static void exchange_finalised(JSRuntime *rt, JSValue value)
{
	struct js_exchange *e = JS_GetOpaque(value, exchange_class);

	// One that is not over has a reference to itself.
	if (e == NULL)
		return;
	js_waiters_free(rt, &e->body);
	js_waiters_free(rt, &e->room);
	js_waiters_free(rt, &e->gone);
	js_free_rt(rt, e);
}

static void exchange_mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark)
{
	struct js_exchange *e = JS_GetOpaque(value, exchange_class);

	if (e == NULL)
		return;
	js_waiters_mark(rt, &e->body, mark);
	js_waiters_mark(rt, &e->room, mark);
	js_waiters_mark(rt, &e->gone, mark);
}

static const JSClassDef exchange_class_def = {
	.class_name = "Exchange",
	.finalizer = exchange_finalised,
	.gc_mark = exchange_mark,
};

// --- Text of heads -------------------------------------------------------------------------------

JSValue js_http_string(JSContext *ctx, struct span bytes)
{
	char *utf8 = js_malloc(ctx, 2 * bytes.len + 1);
	size_t len = 0;
	JSValue string;

	if (utf8 == NULL)
		return JS_EXCEPTION;
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t byte = bytes.data[i];

		if (byte >= 0x80)
			utf8[len++] = (char)(0xc0 | byte >> 6);
		utf8[len++] = (char)(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
	}
	string = JS_NewStringLen(ctx, utf8, len);
	js_free(ctx, utf8);
	return string;
}

char *js_http_bytes(JSContext *ctx, JSValueConst string, size_t *out_len)
{
	size_t len, at = 0;
	const char *utf8 = JS_ToCStringLen(ctx, &len, string);
	char *bytes = utf8 != NULL ? js_malloc(ctx, len + 1) : NULL;

	for (size_t i = 0; bytes != NULL && i < len; i++) {
		uint8_t byte = (uint8_t)utf8[i];

		if (byte >= 0x80 && (byte & 0xfc) == 0xc0 && i + 1 < len) {
			byte = (uint8_t)(byte << 6 | (utf8[++i] & 0x3f));
		} else if (byte >= 0x80) {
			JS_ThrowTypeError(ctx, "a field of a head has characters up to U+00FF");
			js_free(ctx, bytes);
			bytes = NULL;
			break;
		}
		bytes[at++] = (char)byte;
	}
	*out_len = at;
	JS_FreeCString(ctx, utf8);
	return bytes;
}

JSValue js_http_fields(JSContext *ctx, const struct http_field *fields, size_t count)
{
	JSValue array = JS_NewArray(ctx);

	for (size_t i = 0; !JS_IsException(array) && i < 2 * count; i++) {
		const struct http_field *field = &fields[i / 2];
		JSValue text = js_http_string(ctx, i % 2 == 0 ? field->name : field->value);

		if (JS_IsException(text) ||
		    JS_DefinePropertyValueUint32(ctx, array, (uint32_t)i, text, JS_PROP_C_W_E) <
		            0) {
			JS_FreeValue(ctx, array);
			array = JS_EXCEPTION;
		}
	}
	return array;
}

// --- What the connection calls -------------------------------------------------------------------

// NULL: memory is out, and nothing is pending.
static struct js_exchange *exchange_new(JSContext *ctx, struct js_http_server *server,
                                        struct http_exchange *exchange)
{
	struct js_exchange *e = js_mallocz(ctx, sizeof(*e));
	JSValue object = e != NULL ? JS_NewObjectClass(ctx, (int)exchange_class) : JS_EXCEPTION;

	if (JS_IsException(object)) {
		JS_FreeValue(ctx, JS_GetException(ctx));
		js_free(ctx, e);
		return NULL;
	}
	e->server = server;
	e->exchange = exchange;
	e->self = object;
	js_waiters_init(&e->body);
	js_waiters_init(&e->room);
	js_waiters_init(&e->gone);
	JS_SetOpaque(object, e);
	return e;
}

// Calls the script's handler, later. False: memory is out.
static bool handler_call(JSContext *ctx, const struct js_exchange *e,
                         const struct http_request_head *head)
{
	JSValue args[] = {
		JS_DupValue(ctx, e->self),
		js_http_string(ctx, head->method),
		js_http_string(ctx, head->target),
		js_http_fields(ctx, head->fields, head->num_fields),
		JS_NewBool(ctx, e->is_upgrade),
		JS_NewBool(ctx, head->framing != HTTP_BODY_NONE),
	};
	int count = sizeof(args) / sizeof(args[0]);
	bool ok = true;

	for (int i = 0; i < count; i++)
		ok = ok && !JS_IsException(args[i]);
	if (ok)
		js_call_later(e->server->handler, count, args);
	else
		JS_FreeValue(ctx, JS_GetException(ctx));
	for (int i = 0; i < count; i++)
		JS_FreeValue(ctx, args[i]);
	return ok;
}

// It is over for the script: what still waits is told. `e` may be freed.
static void exchange_over(JSContext *ctx, struct js_exchange *e)
{
	e->exchange = NULL;
	e->server->num_open--;
	js_waiters_reject_later(ctx, &e->body, ERR_PEER_CLOSED, "the client has gone");
	js_waiters_reject_later(ctx, &e->room, ERR_PEER_CLOSED, "the client has gone");
	JS_FreeValue(ctx, e->self);
}

static void tell_gone(JSContext *ctx, struct js_exchange *e)
{
	e->client_gone = true;
	js_waiters_resolve_later(ctx, &e->gone);
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	static const char busy[] = "there are too many requests\n";
	struct js_http_server *s = context;
	struct js_exchange *e = s->num_open < s->max_open ? exchange_new(js.ctx, s, exchange)
							  : NULL;

	if (e == NULL) {
		http_respond(exchange, 503, "text/plain", busy, sizeof(busy) - 1);
		return;
	}
	s->num_open++;
	exchange->user = e;
	e->is_upgrade = websocket_check(head, NULL) == 0;
	if (e->is_upgrade)
		memcpy(e->key, websocket_key(head).data, sizeof(e->key));
	if (head->framing != HTTP_BODY_NONE)
		http_pause_body(exchange, true);
	if (handler_call(js.ctx, e, head))
		return;
	e->answered = true;
	http_respond(exchange, 503, "text/plain", busy, sizeof(busy) - 1);
}

// What comes of it when the request is answered is not taken. Who reads is not to think it whole.
static void body_drop(struct js_exchange *e)
{
	e->body_dropped = true;
	js_waiters_reject_later(js.ctx, &e->body, ERR_PEER_CLOSED, BODY_DROPPED);
}

static void on_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	struct js_exchange *e = exchange->user;
	struct js_waiter *waiter;

	(void)context;
	if (e == NULL)
		return;
	if (e->answered) {
		body_drop(e);
		return;
	}
	waiter = js_waiters_first(&e->body);
	if (waiter == NULL)
		return;
	http_pause_body(exchange, true);
	js_waiter_resolve_later(js.ctx, waiter, js_new_bytes(js.ctx, bytes));
}

static void on_body_end(void *context, struct http_exchange *exchange)
{
	struct js_exchange *e = exchange->user;

	(void)context;
	if (e == NULL || e->body_dropped)
		return;
	e->body_ended = true;
	js_waiters_resolve_later(js.ctx, &e->body);
}

static void on_writable(void *context, struct http_exchange *exchange)
{
	struct js_exchange *e = exchange->user;

	(void)context;
	if (e != NULL)
		js_waiters_resolve_later(js.ctx, &e->room);
}

static void on_peer_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	if (exchange->user != NULL)
		tell_gone(js.ctx, exchange->user);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	struct js_exchange *e = exchange->user;

	(void)context;
	if (e == NULL)
		return;
	if (!e->answered)
		tell_gone(js.ctx, e);
	exchange_over(js.ctx, e);
}

const struct http_handler js_exchange_handler = {
	.request = on_request,
	.body = on_body,
	.body_end = on_body_end,
	.writable = on_writable,
	.peer_end = on_peer_end,
	.gone = on_gone,
};

// --- What the script calls -----------------------------------------------------------------------

// NULL: it threw. `open`: one that is over is an error, too.
static struct js_exchange *exchange_of(JSContext *ctx, JSValueConst self, bool open)
{
	struct js_exchange *e = JS_GetOpaque2(ctx, self, exchange_class);

	if (e != NULL && open && e->exchange == NULL) {
		js_throw(ctx, ERR_PEER_CLOSED, "the client has gone");
		return NULL;
	}
	return e;
}

// Something of the response was sent: whether that was its end. The rest of the request is dropped
// then. Ends the hold of the connection; `e` stays.
static void sent(JSContext *ctx, JSValueConst self, struct js_exchange *e,
                 struct http_connection *held, bool is_end)
{
	JSValue kept = JS_DupValue(ctx, self);

	if (is_end && e->exchange != NULL) {
		e->answered = true;
		http_pause_body(e->exchange, false);
	}
	http_let_go(held);
	JS_FreeValue(ctx, kept);
}

// Status and fields of a response. NULL: it threw.
static char *head_of(JSContext *ctx, JSValueConst *argv, uint32_t *status, size_t *len)
{
	return js_to_u32(ctx, argv[0], 999, status) == 0 ? js_http_bytes(ctx, argv[1], len) : NULL;
}

// start(status, fields, length or undefined)
static JSValue exchange_start(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	bool has_length = !JS_IsUndefined(argv[2]);
	struct http_connection *held;
	struct js_exchange *e;
	uint64_t length = 0;
	uint32_t status;
	size_t len;
	char *fields;
	error_t err;

	(void)argc;
	if (has_length && js_to_u64(ctx, argv[2], &length) != 0)
		return JS_EXCEPTION;
	fields = head_of(ctx, argv, &status, &len);
	e = fields != NULL ? exchange_of(ctx, self, true) : NULL;
	if (e == NULL) {
		js_free(ctx, fields);
		return JS_EXCEPTION;
	}
	held = http_hold(e->exchange);
	err = http_respond_fields(e->exchange, status,
	                          (struct span){ (const uint8_t *)fields, len }, has_length,
	                          length);
	js_free(ctx, fields);
	sent(ctx, self, e, held, err == 0 && e->exchange->left == 0);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "the response");
}

// send(bytes): whether more may be sent before room().
static JSValue exchange_send(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_exchange *e = exchange_of(ctx, self, true);
	struct http_connection *held;
	struct span bytes;
	bool room;
	error_t err;

	(void)argc;
	if (e == NULL || js_get_bytes(ctx, argv[0], &bytes) != 0)
		return JS_EXCEPTION;
	held = http_hold(e->exchange);
	err = http_send(e->exchange, bytes.data, bytes.len);
	room = http_can_send(e->exchange);
	sent(ctx, self, e, held, err == 0 && e->exchange->left == 0);
	return err == 0 ? JS_NewBool(ctx, room) : js_throw(ctx, err, "the response's body");
}

// end(): of a body without a length.
static JSValue exchange_end(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_exchange *e = exchange_of(ctx, self, true);
	struct http_connection *held;
	error_t err;

	(void)argc;
	(void)argv;
	if (e == NULL)
		return JS_EXCEPTION;
	held = http_hold(e->exchange);
	err = http_send_end(e->exchange);
	sent(ctx, self, e, held, err == 0);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "the end of the response");
}

// abort(): gives the connection up. One that is over is left alone.
static JSValue exchange_abort(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_exchange *e = exchange_of(ctx, self, false);

	(void)argc;
	(void)argv;
	if (e == NULL)
		return JS_EXCEPTION;
	if (e->exchange != NULL)
		http_abort(e->exchange);
	return JS_UNDEFINED;
}

// read(): the next piece of the request's body, undefined at its end.
static JSValue exchange_read(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_exchange *e = exchange_of(ctx, self, false);
	JSValue promise;

	(void)argc;
	(void)argv;
	if (e == NULL)
		return JS_EXCEPTION;
	if (e->body_ended)
		return js_resolved(ctx, JS_UNDEFINED);
	if (e->body_dropped)
		return js_throw(ctx, ERR_PEER_CLOSED, BODY_DROPPED);
	if (exchange_of(ctx, self, true) == NULL)
		return JS_EXCEPTION;
	if (js_waiters_any(&e->body))
		return js_throw(ctx, ERR_BAD_STATE, "the body is read already");
	promise = js_waiters_add(ctx, &e->body, 0, NULL);
	if (!JS_IsException(promise))
		http_pause_body(e->exchange, false);
	return promise;
}

// room(): resolves when more may be sent.
static JSValue exchange_room(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_exchange *e = exchange_of(ctx, self, true);

	(void)argc;
	(void)argv;
	if (e == NULL)
		return JS_EXCEPTION;
	if (http_can_send(e->exchange))
		return js_resolved(ctx, JS_UNDEFINED);
	return js_waiters_add(ctx, &e->room, 0, NULL);
}

// gone(): resolves when the client has gone before it had the response.
static JSValue exchange_gone(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_exchange *e = exchange_of(ctx, self, false);

	(void)argc;
	(void)argv;
	if (e == NULL)
		return JS_EXCEPTION;
	return e->client_gone ? js_resolved(ctx, JS_UNDEFINED)
			      : js_waiters_add(ctx, &e->gone, 0, NULL);
}

static JSValue exchange_is_over(JSContext *ctx, JSValueConst self)
{
	struct js_exchange *e = exchange_of(ctx, self, false);

	return e != NULL ? JS_NewBool(ctx, e->exchange == NULL) : JS_EXCEPTION;
}

// upgrade(protocol or undefined, bytes of a message)
static JSValue exchange_upgrade(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *protocol = NULL;
	struct js_exchange *e;
	JSValue result;
	uint32_t max;

	(void)argc;
	if (js_to_u32(ctx, argv[1], UINT32_MAX, &max) != 0)
		return JS_EXCEPTION;
	if (!JS_IsUndefined(argv[0])) {
		protocol = JS_ToCString(ctx, argv[0]);
		if (protocol == NULL)
			return JS_EXCEPTION;
	}
	e = exchange_of(ctx, self, true);
	if (e == NULL)
		result = JS_EXCEPTION;
	else if (!e->is_upgrade)
		result = js_throw(ctx, ERR_PROTOCOL, "the request does not ask for a WebSocket");
	else
		result = js_websocket_start(ctx, e, protocol, max);
	JS_FreeCString(ctx, protocol);
	return result;
}

static const JSCFunctionListEntry exchange_functions[] = {
	JS_CFUNC_DEF("start", 3, exchange_start),
	JS_CFUNC_DEF("send", 1, exchange_send),
	JS_CFUNC_DEF("end", 0, exchange_end),
	JS_CFUNC_DEF("abort", 0, exchange_abort),
	JS_CFUNC_DEF("read", 0, exchange_read),
	JS_CFUNC_DEF("room", 0, exchange_room),
	JS_CFUNC_DEF("gone", 0, exchange_gone),
	JS_CFUNC_DEF("upgrade", 2, exchange_upgrade),
	JS_CGETSET_DEF("isOver", exchange_is_over, NULL),
};

int js_http_exchange_init(JSContext *ctx)
{
	return js_http_class(ctx, &exchange_class, &exchange_class_def, exchange_functions,
	                     sizeof(exchange_functions) / sizeof(exchange_functions[0]));
}
