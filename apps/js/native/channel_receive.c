// SPDX-License-Identifier: MIT
//
// Receiving from a channel: one message, an iteration, a callback.
#include "apps/js/native/channel_private.h"
#include "libs/starina/syscall.h"

// The oldest message, without waiting: 0, or an error as channel_recv's.
static error_t take(JSContext *ctx, struct js_channel *c, struct message *m)
{
	error_t err;

	if (!list_is_empty(&c->kept)) {
		js_channel_take_kept(c, m);
		return 0;
	}
	err = channel_recv(c->h.handle, m);
	if (js_handle_retry(ctx, err))
		err = channel_recv(c->h.handle, m);
	return err;
}

// Takes messages until one is no answer to a request. An answer may run code of the script's, which
// may close the channel, or receive from it: then that has the next message.
static error_t take_unasked(JSContext *ctx, struct js_channel *c, struct message *m)
{
	error_t err;

	do {
		if (c->h.handle == HANDLE_NONE)
			return ERR_BAD_HANDLE;
		if (js_waiters_any(&c->receivers))
			return ERR_EMPTY;
		err = take(ctx, c, m);
	} while (err == 0 && js_channel_answer(ctx, c, m));
	return err;
}

static JSValue receive(JSContext *ctx, JSValueConst self, enum receiver_kind kind)
{
	struct js_channel *c = js_channel_of(ctx, self);
	struct js_waiters own;
	struct js_waiter *waiter;
	struct message m;
	JSValue promise, value;
	error_t err;

	if (c == NULL)
		return JS_EXCEPTION;
	// Nobody else can settle it meanwhile.
	js_waiters_init(&own);
	promise = js_waiters_add(ctx, &own, kind, &waiter);
	if (JS_IsException(promise))
		return promise;
	err = take_unasked(ctx, c, &m);
	if (err == 0) {
		value = js_message_decode(ctx, &m);
		js_waiter_resolve(ctx, waiter,
		                  kind == RECEIVER_NEXT ? js_iteration(ctx, value, false) : value);
	} else if (kind == RECEIVER_NEXT && (err == ERR_PEER_CLOSED || err == ERR_BAD_HANDLE)) {
		js_waiter_resolve(ctx, waiter, js_iteration(ctx, JS_UNDEFINED, true));
	} else if (err != ERR_EMPTY) {
		js_waiter_reject(ctx, waiter, js_error(ctx, err, "recv"));
	} else if (js_channel_watch(ctx, c, true) < 0) {
		js_waiter_reject(ctx, waiter, JS_GetException(ctx));
	} else {
		js_waiter_move(waiter, &c->receivers);
	}
	js_channel_hold(ctx, c);
	return promise;
}

JSValue js_channel_recv(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)argc;
	(void)argv;
	return receive(ctx, self, RECEIVER_RECV);
}

// Of a channel that was closed an iteration is at its end.
JSValue js_channel_next(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const struct js_channel *c = js_channel_peek(self);

	(void)argc;
	(void)argv;
	if (c == NULL || c->h.handle != HANDLE_NONE)
		return receive(ctx, self, RECEIVER_NEXT);
	return js_resolved(ctx, js_iteration(ctx, JS_UNDEFINED, true));
}

// A job: gives the callback what was kept before it was there.
static JSValue deliver_kept(JSContext *ctx, int argc, JSValueConst *argv)
{
	struct js_channel *c = js_channel_peek(argv[0]);

	(void)argc;
	while (c->h.handle != HANDLE_NONE && !list_is_empty(&c->kept) &&
	       !JS_IsUndefined(c->on_message)) {
		JSValue function = JS_DupValue(ctx, c->on_message);
		struct message m;
		JSValue value, result;

		value = take(ctx, c, &m) == 0 ? js_message_decode(ctx, &m) : JS_NULL;
		result = JS_IsException(value) ? JS_EXCEPTION
					       : JS_Call(ctx, function, JS_UNDEFINED, 1, &value);
		JS_FreeValue(ctx, function);
		JS_FreeValue(ctx, value);
		if (JS_IsException(result))
			return result;
		JS_FreeValue(ctx, result);
	}
	if (c->h.handle != HANDLE_NONE && !JS_IsUndefined(c->on_message) && !c->peer_closed &&
	    js_channel_watch(ctx, c, true) < 0)
		return JS_EXCEPTION;
	return JS_UNDEFINED;
}

static bool is_callback(JSContext *ctx, JSValueConst value)
{
	return JS_IsUndefined(value) || JS_IsNull(value) || JS_IsFunction(ctx, value);
}

static JSValue callback(JSContext *ctx, JSValueConst value)
{
	return JS_IsFunction(ctx, value) ? JS_DupValue(ctx, value) : JS_UNDEFINED;
}

// onMessage(fn, onClosed): null ends it.
JSValue js_channel_on_message(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_channel *c = js_channel_of(ctx, self);
	JSValueConst closed = argc > 1 ? argv[1] : JS_UNDEFINED;

	if (c == NULL)
		return JS_EXCEPTION;
	if (!is_callback(ctx, argv[0]) || !is_callback(ctx, closed))
		return JS_ThrowTypeError(ctx, "onMessage: a function or null is wanted");
	js_channel_stop_callbacks(ctx, c);
	if (JS_IsFunction(ctx, argv[0])) {
		c->on_message = JS_DupValue(ctx, argv[0]);
		c->on_closed = callback(ctx, closed);
		if (list_is_empty(&c->kept) ? js_channel_watch(ctx, c, true) < 0
		                            : JS_EnqueueJob(ctx, deliver_kept, 1, &self) < 0) {
			js_channel_stop_callbacks(ctx, c);
			js_channel_hold(ctx, c);
			return JS_EXCEPTION;
		}
	}
	js_channel_hold(ctx, c);
	return JS_UNDEFINED;
}
