// SPDX-License-Identifier: MIT
//
// native:jobs: enqueue(fn): queueMicrotask.
#include "apps/js/native/native.h"

static JSValue call_job(JSContext *ctx, int argc, JSValueConst *argv)
{
	(void)argc;
	return JS_Call(ctx, argv[0], JS_UNDEFINED, 0, NULL);
}

static JSValue jobs_enqueue(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	(void)this_val;
	(void)argc;
	if (!JS_IsFunction(ctx, argv[0]))
		return JS_ThrowTypeError(ctx, "a function is expected");
	return JS_EnqueueJob(ctx, call_job, 1, argv) == 0 ? JS_UNDEFINED : JS_EXCEPTION;
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("enqueue", 1, jobs_enqueue),
};

const struct js_native js_native_jobs = {
	.name = "jobs",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
};
