// SPDX-License-Identifier: MIT
//
// Channels. Nothing is taken from a channel before the script asks for it: recv(), next() of an
// iteration, a request's answer, or a callback. What comes while a request waits and is not its
// answer is kept, in order, up to a number; then the requests fail, nothing more is taken, and the
// peer's sends fail with ERR_FULL in the end.
#include "apps/js/native/channel_private.h"
#include "apps/js/native/folio.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

static void channel_made(struct js_handle *h, JSValueConst object);
static void channel_gone(JSContext *ctx, struct js_handle *h);
static void channel_finalise(JSRuntime *rt, struct js_handle *h);
static void channel_mark(JSRuntime *rt, struct js_handle *h, JS_MarkFunc *mark);

static bool channel_accepts(handle_t handle)
{
	char maker[APP_NAME_MAX];
	error_t err = channel_maker(handle, maker);

	return err == 0 || err == ERR_ACCESS;
}

static struct js_handle_kind channel_kind = {
	.name = "Channel",
	.size = sizeof(struct js_channel),
	.accepts = channel_accepts,
	.made = channel_made,
	.gone = channel_gone,
	.finalise = channel_finalise,
	.mark = channel_mark,
};

static struct js_channel *channel_of_handle(struct js_handle *h)
{
	return container_of(h, struct js_channel, h);
}

struct js_channel *js_channel_of(JSContext *ctx, JSValueConst self)
{
	struct js_handle *h = js_handle_of(ctx, self, &channel_kind);

	return h != NULL ? channel_of_handle(h) : NULL;
}

struct js_channel *js_channel_peek(JSValueConst self)
{
	struct js_handle *h = js_handle_peek(self, &channel_kind);

	return h != NULL ? channel_of_handle(h) : NULL;
}

// --- Its life ------------------------------------------------------------------------------------

static void channel_made(struct js_handle *h, JSValueConst object)
{
	struct js_channel *c = channel_of_handle(h);

	c->self = object;
	js_waiters_init(&c->receivers);
	js_waiters_init(&c->requests);
	js_waiters_init(&c->writers);
	list_init(&c->kept);
	c->on_message = JS_UNDEFINED;
	c->on_closed = JS_UNDEFINED;
}

static bool is_waited_for(const struct js_channel *c)
{
	return js_waiters_any(&c->receivers) || js_waiters_any(&c->requests) ||
		js_waiters_any(&c->writers) || !JS_IsUndefined(c->on_message);
}

void js_channel_hold(JSContext *ctx, struct js_channel *c)
{
	bool hold = is_waited_for(c);

	if (hold == c->is_held)
		return;
	c->is_held = hold;
	if (hold) {
		c->self = JS_DupValue(ctx, c->self);
		js_watch_begin();
	} else {
		js_watch_end();
		JS_FreeValue(ctx, c->self);
	}
}

static void forget_kept(struct js_channel *c, struct kept_message *kept)
{
	list_remove(&kept->entry);
	c->num_kept--;
	js_free_rt(js.rt, kept);
}

void js_channel_take_kept(struct js_channel *c, struct message *m)
{
	struct kept_message *kept = container_of(c->kept.next, struct kept_message, entry);

	*m = kept->m;
	forget_kept(c, kept);
}

static void discard_kept(struct js_channel *c)
{
	while (!list_is_empty(&c->kept)) {
		struct kept_message *kept = container_of(c->kept.next, struct kept_message, entry);

		message_discard(&kept->m);
		forget_kept(c, kept);
	}
}

void js_channel_stop_callbacks(JSContext *ctx, struct js_channel *c)
{
	JSValue on_message = c->on_message, on_closed = c->on_closed;

	c->on_message = JS_UNDEFINED;
	c->on_closed = JS_UNDEFINED;
	JS_FreeValue(ctx, on_message);
	JS_FreeValue(ctx, on_closed);
}

// Nothing comes any more: iterations are at their end, and all else fails.
static void fail_waiters(JSContext *ctx, struct js_channel *c, error_t error)
{
	struct js_waiter *waiter;

	while ((waiter = js_waiters_first(&c->receivers)) != NULL) {
		if (waiter->key == RECEIVER_NEXT)
			js_waiter_resolve(ctx, waiter, js_iteration(ctx, JS_UNDEFINED, true));
		else
			js_waiter_reject(ctx, waiter, js_error(ctx, error, "recv"));
	}
	js_waiters_reject(ctx, &c->requests, error, "request");
	js_waiters_reject(ctx, &c->writers, error, "writable");
}

static void channel_gone(JSContext *ctx, struct js_handle *h)
{
	struct js_channel *c = channel_of_handle(h);

	if (c->is_added)
		loop_remove(&js.loop, &c->source);
	c->is_added = false;
	discard_kept(c);
	fail_waiters(ctx, c, ERR_BAD_HANDLE);
	js_channel_stop_callbacks(ctx, c);
	js_channel_hold(ctx, c);
}

static void channel_finalise(JSRuntime *rt, struct js_handle *h)
{
	struct js_channel *c = channel_of_handle(h);

	if (c->is_added)
		loop_remove(&js.loop, &c->source);
	discard_kept(c);
	js_waiters_free(rt, &c->receivers);
	js_waiters_free(rt, &c->requests);
	js_waiters_free(rt, &c->writers);
	JS_FreeValueRT(rt, c->on_message);
	JS_FreeValueRT(rt, c->on_closed);
}

static void channel_mark(JSRuntime *rt, struct js_handle *h, JS_MarkFunc *mark)
{
	struct js_channel *c = channel_of_handle(h);

	js_waiters_mark(rt, &c->receivers, mark);
	js_waiters_mark(rt, &c->requests, mark);
	js_waiters_mark(rt, &c->writers, mark);
	JS_MarkValue(rt, c->on_message, mark);
	JS_MarkValue(rt, c->on_closed, mark);
}

JSValue js_channel_new(JSContext *ctx, handle_t handle)
{
	return js_handle_new(ctx, &channel_kind, handle);
}

bool js_channel_has_kept(const struct js_handle *h)
{
	return h->kind == &channel_kind &&
		container_of(h, const struct js_channel, h)->num_kept > 0;
}

// --- From the loop -------------------------------------------------------------------------------

bool js_channel_answer(JSContext *ctx, struct js_channel *c, struct message *m)
{
	struct js_waiter *waiter = NULL;
	struct msg_error error;
	uint64_t id;
	const uint8_t *tail;
	size_t tail_len;

	if (!js_waiters_any(&c->requests) || !message_id(m, &id))
		return false;
	list_for_each(at, &c->requests.list) {
		waiter = container_of(at, struct js_waiter, entry);
		if (waiter->key == id)
			break;
		waiter = NULL;
	}
	if (waiter == NULL)
		return false;
	if (message_decode_error(m, &error, &tail, &tail_len) == 0) {
		char text[MESSAGE_MAX_DATA + 1];

		memcpy(text, tail, tail_len);
		text[tail_len] = '\0';
		js_waiter_reject(ctx, waiter, js_error(ctx, error.error, text));
	} else {
		js_waiter_resolve(ctx, waiter, js_message_decode(ctx, m));
	}
	return true;
}

bool js_channel_is_full(const struct js_channel *c)
{
	return c->num_kept >= KEPT_MAX;
}

static void keep(JSContext *ctx, struct js_channel *c, struct message *m)
{
	struct kept_message *kept = js_malloc_rt(js.rt, sizeof(*kept));

	if (kept == NULL)
		js_fail(js_error(js.ctx, ERR_NO_MEMORY, "a message"), "a channel");
	kept->m = *m;
	list_push_back(&c->kept, &kept->entry);
	c->num_kept++;
	if (js_waiters_any(&c->requests) && !js_channel_is_full(c))
		return;
	c->is_paused = true;
	source_want_messages(&c->source, false);
	js_waiters_reject(ctx, &c->requests, ERR_PROTOCOL,
	                  "request: the peer sends what nobody receives");
}

static void deliver(JSContext *ctx, struct js_channel *c, struct message *m)
{
	struct js_waiter *waiter = js_waiters_first(&c->receivers);
	JSValue value;

	if (js_channel_answer(ctx, c, m))
		return;
	if (waiter != NULL) {
		bool is_next = waiter->key == RECEIVER_NEXT;

		value = js_message_decode(ctx, m);
		js_waiter_resolve(ctx, waiter, is_next ? js_iteration(ctx, value, false) : value);
	} else if (!JS_IsUndefined(c->on_message)) {
		JSValue function = JS_DupValue(ctx, c->on_message);

		value = js_message_decode(ctx, m);
		if (JS_IsException(value))
			js_fail_pending("a message");
		js_call(function, 1, &value);
		JS_FreeValue(ctx, value);
		JS_FreeValue(ctx, function);
	} else {
		keep(ctx, c, m);
	}
}

static void on_message(struct loop *loop, struct source *source, struct message *m)
{
	struct js_channel *c = source->context;
	JSValue self = JS_DupValue(js.ctx, c->self);

	(void)loop;
	deliver(js.ctx, c, m);
	js_run_jobs();
	js_channel_hold(js.ctx, c);
	JS_FreeValue(js.ctx, self);
}

static void on_writable(struct loop *loop, struct source *source)
{
	struct js_channel *c = source->context;
	JSValue self = JS_DupValue(js.ctx, c->self);
	struct js_waiter *waiter = js_waiters_first(&c->writers);

	(void)loop;
	if (waiter != NULL)
		js_waiter_resolve(js.ctx, waiter, JS_UNDEFINED);
	js_run_jobs();
	if (c->is_added && !js_waiters_any(&c->writers))
		source_want_writable(&c->source, false);
	js_channel_hold(js.ctx, c);
	JS_FreeValue(js.ctx, self);
}

static void on_closed(struct loop *loop, struct source *source)
{
	struct js_channel *c = source->context;
	JSValue self = JS_DupValue(js.ctx, c->self);
	JSValue function = JS_DupValue(js.ctx, c->on_closed);

	loop_remove(loop, source);
	c->is_added = false;
	c->peer_closed = true;
	fail_waiters(js.ctx, c, ERR_PEER_CLOSED);
	js_channel_stop_callbacks(js.ctx, c);
	if (!JS_IsUndefined(function))
		js_call(function, 0, NULL);
	JS_FreeValue(js.ctx, function);
	js_run_jobs();
	js_channel_hold(js.ctx, c);
	JS_FreeValue(js.ctx, self);
}

static const struct source_ops channel_ops = {
	.message = on_message,
	.writable = on_writable,
	.closed = on_closed,
};

int js_channel_watch(JSContext *ctx, struct js_channel *c, bool takes)
{
	error_t err;

	if (!c->is_added) {
		err = loop_add(&js.loop, &c->source, c->h.handle, &channel_ops, c);
		if (err != 0) {
			js_throw(ctx, err, "a channel");
			return -1;
		}
		c->is_added = true;
		c->is_paused = !takes;
		if (!takes)
			source_want_messages(&c->source, false);
	} else if (takes && c->is_paused && !js_channel_is_full(c)) {
		c->is_paused = false;
		source_want_messages(&c->source, true);
	}
	return 0;
}

// --- The native ----------------------------------------------------------------------------------

// Whether the peer is gone, be there messages left of it or not.
static JSValue channel_peer_closed(JSContext *ctx, JSValueConst self)
{
	struct js_channel *c = js_channel_of(ctx, self);

	if (c == NULL)
		return JS_EXCEPTION;
	return JS_NewBool(ctx, c->peer_closed || handle_wait(c->h.handle, READY_CLOSED, 0) == 0);
}

// An iteration is the channel's own.
static JSValue channel_iterator(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)argc;
	(void)argv;
	return JS_DupValue(ctx, self);
}

static const JSCFunctionListEntry functions[] = {
	JS_CFUNC_DEF("send", 1, js_channel_send),
	JS_CFUNC_DEF("request", 1, js_channel_request),
	JS_CFUNC_DEF("writable", 0, js_channel_writable),
	JS_CFUNC_DEF("recv", 0, js_channel_recv),
	JS_CFUNC_DEF("next", 0, js_channel_next),
	JS_CFUNC_DEF("onMessage", 2, js_channel_on_message),
	JS_CFUNC_DEF("[Symbol.asyncIterator]", 0, channel_iterator),
	JS_CGETSET_DEF("peerClosed", channel_peer_closed, NULL),
};

static JSValue make_channel(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	JSValue pair = JS_NewArray(ctx);
	handle_t ends[2];
	error_t err;

	(void)self;
	(void)argc;
	(void)argv;
	if (JS_IsException(pair))
		return pair;
	err = channel_create(ends);
	if (js_handle_retry(ctx, err))
		err = channel_create(ends);
	if (err != 0) {
		JS_FreeValue(ctx, pair);
		return js_throw(ctx, err, "channel");
	}
	for (uint32_t i = 0; i < 2; i++) {
		JSValue end = js_channel_new(ctx, ends[i]);

		if (!JS_IsException(end) &&
		    JS_DefinePropertyValueUint32(ctx, pair, i, end, JS_PROP_C_W_E) >= 0)
			continue;
		if (i == 0)
			handle_close(ends[1]);
		JS_FreeValue(ctx, pair);
		return JS_EXCEPTION;
	}
	return pair;
}

static JSValue channel_prototype(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	return JS_GetClassProto(ctx, channel_kind.id);
}

int js_channel_init(JSContext *ctx)
{
	// Folios can be received, too.
	if (js_folio_init(ctx) < 0)
		return -1;
	return js_handle_kind_init(ctx, &channel_kind, functions,
	                           sizeof(functions) / sizeof(functions[0]));
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("channel", 0, make_channel),
	JS_CFUNC_DEF("channelPrototype", 0, channel_prototype),
};

const struct js_native js_native_channel = {
	.name = "channel",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
	.init = js_channel_init,
};
