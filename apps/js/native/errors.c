// SPDX-License-Identifier: MIT
//
// native:errors: ERR, the numbers of libs/abi/error.h by their names without "ERR_", and
// stackOf(error) -> its stack in lines of the source.
#include "apps/js/native/native.h"
#include "apps/js/runtime/internal.h"

static const JSCFunctionListEntry numbers[] = {
#define X(name, number, text) JS_PROP_INT32_DEF(#name + 4, -(number), JS_PROP_ENUMERABLE),
	ERROR_TABLE(X)
#undef X
};

static JSValue errors_stack_of(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	(void)this_val;
	(void)argc;
	return js_stack_of(ctx, argv[0]);
}

static const JSCFunctionListEntry entries[] = {
	JS_OBJECT_DEF("ERR", numbers, sizeof(numbers) / sizeof(numbers[0]), JS_PROP_ENUMERABLE),
	JS_CFUNC_DEF("stackOf", 1, errors_stack_of),
};

const struct js_native js_native_errors = {
	.name = "errors",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
};
