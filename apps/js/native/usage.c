// SPDX-License-Identifier: MIT
//
// native:usage: what the script holds, for who looks for what it forgot.
#include "apps/js/native/native.h"
#include "apps/js/runtime/handle.h"

static JSValue native_memory(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	JSMemoryUsage usage;

	(void)self;
	(void)argc;
	(void)argv;
	JS_ComputeMemoryUsage(JS_GetRuntime(ctx), &usage);
	return JS_NewInt64(ctx, usage.malloc_size);
}

static JSValue native_handles(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	return JS_NewUint32(ctx, js_handle_counts.open);
}

static JSValue native_forgotten(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	return JS_NewUint32(ctx, js_handle_counts.forgotten);
}

static JSValue native_collect(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	JS_RunGC(JS_GetRuntime(ctx));
	return JS_UNDEFINED;
}

static const JSCFunctionListEntry native_entries[] = {
	JS_CFUNC_DEF("memory", 0, native_memory),
	JS_CFUNC_DEF("handles", 0, native_handles),
	JS_CFUNC_DEF("forgotten", 0, native_forgotten),
	JS_CFUNC_DEF("collect", 0, native_collect),
};

const struct js_native js_native_usage = {
	.name = "usage",
	.entries = native_entries,
	.num_entries = (int)(sizeof(native_entries) / sizeof(native_entries[0])),
};
