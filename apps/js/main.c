// SPDX-License-Identifier: MIT
//
// Runs an app in TypeScript: finds its script, evaluates it, calls the main of its spec, and goes
// on with the loop until nothing is left to wait for.
#include "apps/js/runtime/internal.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

struct script js_script;

// Evaluates the module. Its namespace; a rejection at its top level is a fault as any is.
static JSValue evaluate(void)
{
	JSContext *ctx = js.ctx;
	JSValue module = JS_Eval(ctx, js_script.text, js_script.text_len, SCRIPT_NAME,
	                         JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	JSModuleDef *m;
	JSValue done;

	if (JS_IsException(module))
		js_fail_pending("the script is not JavaScript");
	m = JS_VALUE_GET_PTR(module);
	done = JS_EvalFunction(ctx, module);
	if (JS_IsException(done))
		js_fail_pending("uncaught exception");
	js_run_jobs();
	JS_FreeValue(ctx, done);
	return JS_GetModuleNamespace(ctx, m);
}

static void call_main(JSValueConst namespace)
{
	JSContext *ctx = js.ctx;
	JSValue spec = JS_GetPropertyStr(ctx, namespace, "default");
	JSValue fn = JS_IsObject(spec) ? JS_GetPropertyStr(ctx, spec, "main") : JS_UNDEFINED;
	JSValue env = JS_NewObject(ctx), promise;

	if (!JS_IsFunction(ctx, fn)) {
		log_error(
			"the script has no app: end it with export default app({name, main, ...})");
		process_exit(1);
	}
	promise = JS_Call(ctx, fn, spec, 1, (JSValueConst *)&env);
	if (JS_IsException(promise))
		js_fail_pending("uncaught exception");
	JS_FreeValue(ctx, promise);
	JS_FreeValue(ctx, env);
	JS_FreeValue(ctx, fn);
	JS_FreeValue(ctx, spec);
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
	JSValue namespace;

	find_script(env);
	js_start(env);
	namespace = evaluate();
	call_main(namespace);
	JS_FreeValue(js.ctx, namespace);
	js_run();
}

APP(js, .main = js_main, .stack_size = JS_APP_STACK, .is_runtime = 1);
