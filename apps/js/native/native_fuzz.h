// SPDX-License-Identifier: MIT
//
// What fuzzers of natives share: scripts whose input says which of their operations comes next.
#pragma once

#include "apps/js/native/native_test.h"

// One step, of a script that has `ops`, a list of functions, `pick`, which chooses of a list by the
// input, and `depth`, of steps within steps. What an operation throws is meant, but for a name that
// is none.
#define NATIVE_FUZZ_STEP                                                                   \
	"function step() {\n"                                                              \
	"  if (depth > 6) return;\n"                                                       \
	"  depth++;\n"                                                                     \
	"  try { pick(ops)(); } catch (e) { if (e instanceof ReferenceError) throw e; }\n" \
	"  finally { depth--; }\n"                                                         \
	"}\n"

// gc(): collects garbage.
static inline JSValue native_fuzz_gc(JSContext *ctx, JSValueConst self, int argc,
                                     JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	JS_RunGC(JS_GetRuntime(ctx));
	return JS_UNDEFINED;
}

// A function of the script's; the caller frees it.
static inline JSValue native_fuzz_function(const char *name)
{
	return JS_Eval(js.ctx, name, strlen(name), "fuzz", JS_EVAL_TYPE_GLOBAL);
}
