// SPDX-License-Identifier: MIT
//
// QuickJS's own tests, each in a runtime of its own, with the little that they ask of its program
// `qjs`: print, std.gc, and os.setTimeout. Those of its operating system functions (test_std,
// test_worker) and test_bjson, which loads a library, are not among them.
#include <quickjs.h>

#include "apps/js_test/js_test.h"

#define STACK_FOR_SCRIPTS (900u * 1024)
#define MAX_LATER 16

// Functions that os.setTimeout was given. All are called once the jobs are done, for none of the
// tests waits for a time.
static JSValue later[MAX_LATER];
static size_t num_later;

static JSValue print(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	(void)this_val;
	for (int i = 0; i < argc; i++) {
		const char *text = JS_ToCString(ctx, argv[i]);

		if (text == NULL)
			return JS_EXCEPTION;
		log_info("%s", text);
		JS_FreeCString(ctx, text);
	}
	return JS_UNDEFINED;
}

static JSValue std_gc(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	(void)this_val;
	(void)argc;
	(void)argv;
	JS_RunGC(JS_GetRuntime(ctx));
	return JS_UNDEFINED;
}

static JSValue os_set_timeout(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	(void)this_val;
	(void)argc;
	if (num_later == MAX_LATER)
		return JS_ThrowInternalError(ctx, "too many timers");
	later[num_later++] = JS_DupValue(ctx, argv[0]);
	return JS_UNDEFINED;
}

static void set_function(JSContext *ctx, JSValueConst object, const char *name, JSCFunction *fn)
{
	JS_SetPropertyStr(ctx, object, name, JS_NewCFunction(ctx, fn, name, 1));
}

static void add_globals(JSContext *ctx)
{
	JSValue global = JS_GetGlobalObject(ctx);
	JSValue console = JS_NewObject(ctx), std = JS_NewObject(ctx), os = JS_NewObject(ctx);

	set_function(ctx, global, "print", print);
	set_function(ctx, console, "log", print);
	set_function(ctx, std, "gc", std_gc);
	set_function(ctx, os, "setTimeout", os_set_timeout);
	JS_SetPropertyStr(ctx, os, "platform", JS_NewString(ctx, "starina"));
	JS_SetPropertyStr(ctx, global, "console", console);
	JS_SetPropertyStr(ctx, global, "std", std);
	JS_SetPropertyStr(ctx, global, "os", os);
	JS_FreeValue(ctx, global);
}

static void report_exception(JSContext *ctx)
{
	JSValue error = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, error, "stack");
	const char *text = JS_ToCString(ctx, error), *where = JS_ToCString(ctx, stack);

	log_error("%s", text != NULL ? text : "an exception without text");
	if (where != NULL)
		log_text(LOG_ERROR, text_span(where));
	JS_FreeCString(ctx, text);
	JS_FreeCString(ctx, where);
	JS_FreeValue(ctx, stack);
	JS_FreeValue(ctx, error);
	test_failed("no exception", __FILE__, __LINE__);
}

// `value` (consumed) may be an exception.
static void expect_value(JSContext *ctx, JSValue value)
{
	if (JS_IsException(value))
		report_exception(ctx);
	JS_FreeValue(ctx, value);
}

static void run_jobs(JSContext *ctx)
{
	JSContext *of;
	int more;

	while ((more = JS_ExecutePendingJob(JS_GetRuntime(ctx), &of)) != 0) {
		if (more < 0)
			report_exception(of);
	}
}

static JSModuleDef *load_module(JSContext *ctx, const char *name, void *opaque)
{
	size_t len;
	const char *text = test_file(name, &len);
	JSValue module;
	JSModuleDef *m;

	(void)opaque;
	if (text == NULL) {
		JS_ThrowReferenceError(ctx, "there is no file %s", name);
		return NULL;
	}
	module = JS_Eval(ctx, text, len, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	if (JS_IsException(module))
		return NULL;
	m = JS_VALUE_GET_PTR(module);
	JS_FreeValue(ctx, module);
	return m;
}

// A module's evaluation is a promise.
static void run_script(JSContext *ctx, const char *name, int flags)
{
	size_t len;
	const char *text = test_file(name, &len);
	JSValue result = JS_Eval(ctx, text, len, name, flags);

	if (JS_IsException(result)) {
		report_exception(ctx);
		return;
	}
	run_jobs(ctx);
	while (num_later > 0) {
		JSValue fn = later[--num_later];

		expect_value(ctx, JS_Call(ctx, fn, JS_UNDEFINED, 0, NULL));
		JS_FreeValue(ctx, fn);
		run_jobs(ctx);
	}
	if (JS_PromiseState(ctx, result) == JS_PROMISE_REJECTED)
		expect_value(ctx, JS_Throw(ctx, JS_PromiseResult(ctx, result)));
	JS_FreeValue(ctx, result);
}

static void run_file(const char *name, int flags)
{
	JSRuntime *rt = JS_NewRuntime();
	JSContext *ctx = rt != NULL ? JS_NewContext(rt) : NULL;

	expect(ctx != NULL);
	if (ctx == NULL)
		return;
	JS_SetMaxStackSize(rt, STACK_FOR_SCRIPTS);
	JS_SetModuleLoaderFunc(rt, NULL, load_module, NULL);
	add_globals(ctx);
	run_script(ctx, name, flags);
	JS_FreeContext(ctx);
	// Fails an assertion when an object is left.
	JS_FreeRuntime(rt);
}

static void test_bigint(void)
{
	run_file("test_bigint.js", JS_EVAL_TYPE_GLOBAL);
}

static void test_builtin(void)
{
	run_file("test_builtin.js", JS_EVAL_TYPE_GLOBAL);
}

static void test_closure(void)
{
	run_file("test_closure.js", JS_EVAL_TYPE_GLOBAL);
}

static void test_cyclic_import(void)
{
	run_file("test_cyclic_import.js", JS_EVAL_TYPE_MODULE);
}

static void test_language(void)
{
	run_file("test_language.js", JS_EVAL_TYPE_GLOBAL);
}

static void test_loop(void)
{
	run_file("test_loop.js", JS_EVAL_TYPE_GLOBAL);
}

const struct test quickjs_tests[] = {
	{ "quickjs.bigint", test_bigint },
	{ "quickjs.builtin", test_builtin },
	{ "quickjs.closure", test_closure },
	{ "quickjs.cyclic_import", test_cyclic_import },
	{ "quickjs.language", test_language },
	{ "quickjs.loop", test_loop },
	{ 0 },
};
