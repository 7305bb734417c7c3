// SPDX-License-Identifier: MIT
//
// For host tests of natives: a context over the fake system, with a native's entries as globals.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/js/runtime/handle.h"
#include "libs/starina/system_fake.h"

static inline void native_test_start(const struct js_native *native)
{
	JSValue global;

	fake_reset();
	js = (struct js){ 0 };
	js.rt = JS_NewRuntime();
	js.ctx = JS_NewContext(js.rt);
	if (loop_init(&js.loop) != 0 || native->init(js.ctx) != 0)
		abort();
	global = JS_GetGlobalObject(js.ctx);
	JS_SetPropertyFunctionList(js.ctx, global, native->entries, native->num_entries);
	JS_FreeValue(js.ctx, global);
}

static inline void native_test_end(void)
{
	JS_FreeContext(js.ctx);
	JS_FreeRuntime(js.rt);
	loop_deinit(&js.loop);
}

// Runs code of a script, and the jobs that are due then.
static inline void native_test_run(const char *text)
{
	JSValue result = JS_Eval(js.ctx, text, strlen(text), "test", JS_EVAL_TYPE_GLOBAL);

	if (JS_IsException(result))
		js_fail_pending(text);
	JS_FreeValue(js.ctx, result);
	js_run_jobs();
}

// Turns the loop until nothing is ready.
static inline void native_test_settle(void)
{
	while (loop_turn(&js.loop, 0) == 0)
		;
}
