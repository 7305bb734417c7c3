// SPDX-License-Identifier: MIT
//
// Promise jobs: run after each callback of the loop, until there are none. A rejection that has no
// handler by then is a fault.
#include "apps/js/runtime/internal.h"
#include "libs/base/list.h"
#include "libs/starina/log.h"

// A promise that was rejected with no handler.
struct rejection {
	struct list entry;
	JSValue promise;
	JSValue reason;
};

static struct list rejections = { &rejections, &rejections };

static void rejection_free(struct rejection *r)
{
	list_remove(&r->entry);
	JS_FreeValue(js.ctx, r->promise);
	JS_FreeValue(js.ctx, r->reason);
	js_free(js.ctx, r);
}

static void rejected(JSContext *ctx, JSValueConst promise, JSValueConst reason)
{
	struct rejection *r = js_mallocz(ctx, sizeof(*r));

	if (r == NULL)
		js_fail(JS_DupValue(ctx, reason), "unhandled rejection");
	r->promise = JS_DupValue(ctx, promise);
	r->reason = JS_DupValue(ctx, reason);
	list_push_back(&rejections, &r->entry);
}

static void handled(JSValueConst promise)
{
	struct list *at, *next;

	for (at = rejections.next; at != &rejections; at = next) {
		struct rejection *r = container_of(at, struct rejection, entry);

		next = at->next;
		if (JS_VALUE_GET_PTR(r->promise) == JS_VALUE_GET_PTR(promise))
			rejection_free(r);
	}
}

static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason,
                            JS_BOOL is_handled, void *opaque)
{
	(void)opaque;
	if (is_handled)
		handled(promise);
	else
		rejected(ctx, promise, reason);
}

void js_jobs_init(void)
{
	JS_SetHostPromiseRejectionTracker(js.rt, track_rejection, NULL);
}

void js_run_jobs(void)
{
	JSContext *ctx;
	int more;

	do {
		more = JS_ExecutePendingJob(js.rt, &ctx);
	} while (more > 0);
	if (more < 0)
		js_fail_pending("uncaught exception");
	if (!list_is_empty(&rejections)) {
		struct rejection *r = container_of(rejections.next, struct rejection, entry);

		js_fail(JS_DupValue(js.ctx, r->reason), "unhandled rejection");
	}
}

static JSValue call_job(JSContext *ctx, int argc, JSValueConst *argv)
{
	return JS_Call(ctx, argv[0], JS_UNDEFINED, argc - 1, argv + 1);
}

void js_call_later(JSValueConst fn, int argc, JSValueConst *argv)
{
	JSValueConst job[1 + JS_CALL_LATER_MAX] = { fn };

	assert(argc <= JS_CALL_LATER_MAX);
	for (int i = 0; i < argc; i++)
		job[1 + i] = argv[i];
	if (JS_EnqueueJob(js.ctx, call_job, 1 + argc, job) != 0)
		js_fail_pending("cannot call a function");
	js.has_calls = true;
}

void js_call(JSValueConst fn, int argc, JSValueConst *argv)
{
	JSValue result = JS_Call(js.ctx, fn, JS_UNDEFINED, argc, argv);

	if (JS_IsException(result))
		js_fail_pending("uncaught exception");
	JS_FreeValue(js.ctx, result);
	js_run_jobs();
}
