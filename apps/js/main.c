// SPDX-License-Identifier: MIT
//
// Runs an app in TypeScript: finds its script, evaluates it, calls the main of its spec, and goes
// on with the loop until nothing is left to wait for.
#include "apps/js/runtime/handle.h"
#include "apps/js/runtime/internal.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

struct script js_script;

static _Noreturn void end_waiting(const char *who)
{
	log_error("%s waits for what can never come", who);
	process_exit(1);
}

// Runs the top level of `module` (consumed). Its exports.
static JSValue evaluate(JSValue module)
{
	JSModuleDef *m = JS_VALUE_GET_PTR(module);
	JSValue done = JS_EvalFunction(js.ctx, module);

	if (JS_IsException(done))
		js_fail_pending("uncaught exception");
	// A rejection of it is a fault as any is.
	js_run_jobs();
	if (JS_PromiseState(js.ctx, done) == JS_PROMISE_PENDING)
		end_waiting("the top level of the script");
	JS_FreeValue(js.ctx, done);
	return JS_GetModuleNamespace(js.ctx, m);
}

static JSValue compile_script(void)
{
	JSValue module = JS_Eval(js.ctx, js_script.text, js_script.text_len, SCRIPT_NAME,
	                         JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);

	if (JS_IsException(module))
		js_fail_pending("the script cannot be read");
	return module;
}

// What `run` of apps/js/lib/start.js returns is what the app's main does: a promise, if it waits.
static JSValue run_app(void)
{
	JSContext *ctx = js.ctx;
	JSValue start = evaluate(js_lib_module(ctx, "start.js"));
	JSValue script = evaluate(compile_script());
	JSValue run = JS_GetPropertyStr(ctx, start, "run");
	JSValue spec = JS_GetPropertyStr(ctx, script, "default");
	JSValue result = JS_IsException(spec) ? JS_EXCEPTION
					      : JS_Call(ctx, run, JS_UNDEFINED, 1, &spec);

	if (JS_IsException(result))
		js_fail_pending("uncaught exception");
	JS_FreeValue(ctx, spec);
	JS_FreeValue(ctx, run);
	JS_FreeValue(ctx, script);
	JS_FreeValue(ctx, start);
	return result;
}

static void find_script(const struct environ *env)
{
	struct span bytes = { .len = 0 };
	const char *why = "it was started without one";

	bytes.data = environ_script(env, &bytes.len);
	if (bytes.data != NULL && script_open(&js_script, bytes, &why) == 0)
		return;
	log_error("there is no script to run: %s", why);
	process_exit(1);
}

static void js_main(const struct environ *env)
{
	JSValue result;

	find_script(env);
	js_start(env);
	result = run_app();
	js_run();
	if (JS_PromiseState(js.ctx, result) == JS_PROMISE_PENDING)
		end_waiting("main");
	if (js_handle_counts.forgotten > 0)
		log_debug("%u handles were closed as garbage: close() or scope() is missing",
		          js_handle_counts.forgotten);
}

APP(js, .main = js_main, .stack_size = JS_APP_STACK, .is_runtime = 1);
