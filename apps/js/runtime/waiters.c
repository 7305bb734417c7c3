// SPDX-License-Identifier: MIT
#include "apps/js/runtime/waiters.h"

void js_waiters_init(struct js_waiters *waiters)
{
	list_init(&waiters->list);
}

bool js_waiters_any(const struct js_waiters *waiters)
{
	return !list_is_empty(&waiters->list);
}

struct js_waiter *js_waiters_first(const struct js_waiters *waiters)
{
	if (list_is_empty(&waiters->list))
		return NULL;
	return container_of(waiters->list.next, struct js_waiter, entry);
}

JSValue js_waiters_add(JSContext *ctx, struct js_waiters *waiters, uint64_t key,
                       struct js_waiter **out)
{
	struct js_waiter *waiter = js_malloc(ctx, sizeof(*waiter));
	JSValue functions[2];
	JSValue promise = waiter != NULL ? JS_NewPromiseCapability(ctx, functions) : JS_EXCEPTION;

	if (JS_IsException(promise)) {
		js_free(ctx, waiter);
		return promise;
	}
	waiter->resolve = functions[0];
	waiter->reject = functions[1];
	waiter->key = key;
	list_push_back(&waiters->list, &waiter->entry);
	if (out != NULL)
		*out = waiter;
	return promise;
}

void js_waiter_free(JSRuntime *rt, struct js_waiter *waiter)
{
	list_remove(&waiter->entry);
	JS_FreeValueRT(rt, waiter->resolve);
	JS_FreeValueRT(rt, waiter->reject);
	js_free_rt(rt, waiter);
}

// Calls one of the waiter's two functions with `value`, which it consumes. The waiter is out of its
// list first: what the call runs may look at the list.
static void settle(JSContext *ctx, struct js_waiter *waiter, bool is_rejected, JSValue value)
{
	JSValue function = JS_DupValue(ctx, is_rejected ? waiter->reject : waiter->resolve);
	JSValue result;

	js_waiter_free(JS_GetRuntime(ctx), waiter);
	result = JS_Call(ctx, function, JS_UNDEFINED, 1, &value);
	JS_FreeValue(ctx, function);
	JS_FreeValue(ctx, value);
	if (JS_IsException(result))
		js_fail_pending("cannot settle a promise");
	JS_FreeValue(ctx, result);
}

void js_waiter_resolve(JSContext *ctx, struct js_waiter *waiter, JSValue value)
{
	if (JS_IsException(value))
		settle(ctx, waiter, true, JS_GetException(ctx));
	else
		settle(ctx, waiter, false, value);
}

void js_waiter_reject(JSContext *ctx, struct js_waiter *waiter, JSValue error)
{
	settle(ctx, waiter, true, JS_IsException(error) ? JS_GetException(ctx) : error);
}

static void settle_later(JSContext *ctx, struct js_waiter *waiter, bool is_rejected, JSValue value)
{
	js_call_later(is_rejected ? waiter->reject : waiter->resolve, 1, &value);
	JS_FreeValue(ctx, value);
	js_waiter_free(JS_GetRuntime(ctx), waiter);
}

void js_waiter_resolve_later(JSContext *ctx, struct js_waiter *waiter, JSValue value)
{
	if (JS_IsException(value))
		settle_later(ctx, waiter, true, JS_GetException(ctx));
	else
		settle_later(ctx, waiter, false, value);
}

void js_waiter_reject_later(JSContext *ctx, struct js_waiter *waiter, error_t error,
                            const char *what)
{
	JSValue value = js_error(ctx, error, what);

	settle_later(ctx, waiter, true, JS_IsException(value) ? JS_GetException(ctx) : value);
}

void js_waiters_resolve_later(JSContext *ctx, struct js_waiters *waiters)
{
	struct js_waiter *waiter;

	while ((waiter = js_waiters_first(waiters)) != NULL)
		js_waiter_resolve_later(ctx, waiter, JS_UNDEFINED);
}

void js_waiters_reject_later(JSContext *ctx, struct js_waiters *waiters, error_t error,
                             const char *what)
{
	struct js_waiter *waiter;

	while ((waiter = js_waiters_first(waiters)) != NULL)
		js_waiter_reject_later(ctx, waiter, error, what);
}

void js_waiter_move(struct js_waiter *waiter, struct js_waiters *to)
{
	list_remove(&waiter->entry);
	list_push_back(&to->list, &waiter->entry);
}

JSValue js_resolved(JSContext *ctx, JSValue value)
{
	struct js_waiters waiters;
	struct js_waiter *waiter;
	JSValue promise;

	js_waiters_init(&waiters);
	promise = js_waiters_add(ctx, &waiters, 0, &waiter);
	if (JS_IsException(promise))
		JS_FreeValue(ctx, value);
	else
		js_waiter_resolve(ctx, waiter, value);
	return promise;
}

void js_waiters_reject(JSContext *ctx, struct js_waiters *waiters, error_t error, const char *what)
{
	struct js_waiter *waiter;

	while ((waiter = js_waiters_first(waiters)) != NULL)
		js_waiter_reject(ctx, waiter, js_error(ctx, error, what));
}

void js_waiters_free(JSRuntime *rt, struct js_waiters *waiters)
{
	struct js_waiter *waiter;

	while ((waiter = js_waiters_first(waiters)) != NULL)
		js_waiter_free(rt, waiter);
}

void js_waiters_mark(JSRuntime *rt, const struct js_waiters *waiters, JS_MarkFunc *mark)
{
	list_for_each(at, &waiters->list) {
		const struct js_waiter *waiter = container_of(at, struct js_waiter, entry);

		JS_MarkValue(rt, waiter->resolve, mark);
		JS_MarkValue(rt, waiter->reject, mark);
	}
}
