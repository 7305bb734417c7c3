// SPDX-License-Identifier: MIT
//
// What the environment holds besides services and devices: configuration, and handles that were
// given to the app.
#include "apps/js/native/environ.h"

#include "apps/js/native/channel.h"
#include "apps/js/runtime/handle.h"
#include "libs/starina/environ.h"

// Handles that objects have by now.
static uint32_t taken;

static JSValue config(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *wanted = JS_ToCString(ctx, argv[0]);
	const char *value;
	JSValue result;

	(void)self;
	(void)argc;
	if (wanted == NULL)
		return JS_EXCEPTION;
	if (environ_declares(js.env, ENV_CONFIG, wanted)) {
		value = environ_config(js.env, wanted);
		result = value != NULL ? JS_NewString(ctx, value) : JS_UNDEFINED;
	} else {
		result = JS_ThrowTypeError(ctx, "the app's spec has no configuration '%.31s'",
		                           wanted);
	}
	JS_FreeCString(ctx, wanted);
	return result;
}

// An object for the handle, the first time.
static JSValue given(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	uint32_t index;
	handle_t handle;

	(void)self;
	(void)argc;
	if (js_to_u32(ctx, argv[0], ENV_MAX_ENTRIES - 1, &index) < 0)
		return JS_EXCEPTION;
	handle = environ_given(js.env, index);
	if (handle == HANDLE_NONE || (taken & (1u << index)) != 0)
		return JS_UNDEFINED;
	taken |= 1u << index;
	return js_handle_wrap(ctx, handle);
}

static JSValue restarts(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	return JS_NewUint32(ctx, js.env->restarts);
}

static JSValue name(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	(void)argv;
	return JS_NewString(ctx, js.env->app_name);
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("name", 0, name),
	JS_CFUNC_DEF("config", 1, config),
	JS_CFUNC_DEF("given", 1, given),
	JS_CFUNC_DEF("restarts", 0, restarts),
};

const struct js_native js_native_environ = {
	.name = "environ",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
	.init = js_channel_init,
};
