// SPDX-License-Identifier: MIT
//
// native:timers: start(fn, ms, repeat) -> number, stop(number), now() -> bigint of nanoseconds.
// Timers are no objects of the kernel: the loop waits until the first is due.
#include "apps/js/native/native.h"
#include "apps/js/runtime/internal.h"
#include "libs/base/list.h"
#include "libs/starina/syscall.h"

// As browsers have it.
#define MS_MAX 2147483647.0

struct js_timer {
	struct list entry;  // in `timers`, the first due first
	uint32_t number;
	nsec_t due;
	nsec_t interval;  // of one that repeats; 0 for others
	JSValue fn;
};

static struct list timers = { &timers, &timers };
static uint32_t last_number;

static nsec_t monotonic(void)
{
	nsec_t now = 0;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? now : 0;
}

static struct js_timer *first_timer(void)
{
	return list_is_empty(&timers) ? NULL : container_of(timers.next, struct js_timer, entry);
}

// Behind those that are due at the same time or before.
static void insert(struct js_timer *t)
{
	struct list *at = timers.prev;

	while (at != &timers && container_of(at, struct js_timer, entry)->due > t->due)
		at = at->prev;
	list_insert_after(at, &t->entry);
}

static void timer_free(struct js_timer *t)
{
	list_remove(&t->entry);
	JS_FreeValue(js.ctx, t->fn);
	js_free(js.ctx, t);
}

nsec_t js_timers_next(void)
{
	struct js_timer *t = first_timer();

	return t != NULL ? t->due : NSEC_NEVER;
}

// A callback may stop any timer, its own included, so nothing of `t` is used after the call.
static void fire(struct js_timer *t, nsec_t now)
{
	JSValue fn = JS_DupValue(js.ctx, t->fn);

	if (t->interval != 0) {
		list_remove(&t->entry);
		t->due = t->due + t->interval > now ? t->due + t->interval : now + t->interval;
		insert(t);
	} else {
		timer_free(t);
	}
	js_call(fn, 0, NULL);
	JS_FreeValue(js.ctx, fn);
}

void js_timers_run(void)
{
	struct js_timer *t = first_timer();
	nsec_t now;

	if (t == NULL)
		return;
	now = monotonic();
	for (; t != NULL && t->due <= now; t = first_timer())
		fire(t, now);
}

static JSValue timers_start(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	struct js_timer *t;
	nsec_t delay;
	double ms;

	(void)this_val;
	(void)argc;
	if (!JS_IsFunction(ctx, argv[0]))
		return JS_ThrowTypeError(ctx, "a function is expected");
	if (JS_ToFloat64(ctx, &ms, argv[1]) != 0)
		return JS_EXCEPTION;
	t = js_mallocz(ctx, sizeof(*t));
	if (t == NULL)
		return JS_EXCEPTION;
	// What is no number is 0.
	delay = ms > 0 ? (nsec_t)((ms < MS_MAX ? ms : MS_MAX) * 1e6) : 0;
	t->number = ++last_number;
	t->due = monotonic() + delay;
	if (JS_ToBool(ctx, argv[2]))
		t->interval = delay > NSEC_PER_MSEC ? delay : NSEC_PER_MSEC;
	t->fn = JS_DupValue(ctx, argv[0]);
	insert(t);
	return JS_NewUint32(ctx, t->number);
}

// A number that is no timer's (any more) is fine.
static JSValue timers_stop(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	double number;

	(void)this_val;
	(void)argc;
	if (JS_IsUndefined(argv[0]) || JS_IsNull(argv[0]))
		return JS_UNDEFINED;
	if (JS_ToFloat64(ctx, &number, argv[0]) != 0)
		return JS_EXCEPTION;
	for (struct list *at = timers.next; at != &timers; at = at->next) {
		struct js_timer *t = container_of(at, struct js_timer, entry);

		if (t->number != number)
			continue;
		timer_free(t);
		break;
	}
	return JS_UNDEFINED;
}

static JSValue timers_now(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	(void)this_val;
	(void)argc;
	(void)argv;
	return js_u64(ctx, monotonic());
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("start", 3, timers_start),
	JS_CFUNC_DEF("stop", 1, timers_stop),
	JS_CFUNC_DEF("now", 0, timers_now),
};

const struct js_native js_native_timers = {
	.name = "timers",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
};
