// SPDX-License-Identifier: MIT
//
// native:system: what the holder of the system handle may do (NEED_SYSTEM).
#include "apps/js/native/native.h"
#include "libs/starina/environ.h"
#include "libs/starina/syscall.h"

static JSValue native_seed_random(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct span bytes;
	error_t err;

	(void)self;
	(void)argc;
	if (js_get_bytes(ctx, argv[0], &bytes) != 0)
		return JS_EXCEPTION;
	err = random_seed(environ_system(js.env), bytes.data, bytes.len);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "cannot seed the random generator");
}

static JSValue native_set_clock(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	uint64_t wall;
	error_t err;

	(void)self;
	(void)argc;
	if (js_to_u64(ctx, argv[0], &wall) != 0)
		return JS_EXCEPTION;
	err = clock_set(environ_system(js.env), wall);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "cannot set the wall clock");
}

static JSValue native_power_off(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	int32_t code = 0;
	error_t err;

	(void)self;
	(void)argc;
	if (JS_ToInt32(ctx, &code, argv[0]) != 0)
		return JS_EXCEPTION;
	err = system_power_off(environ_system(js.env), code);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "cannot power the machine off");
}

static const JSCFunctionListEntry native_entries[] = {
	JS_CFUNC_DEF("seedRandom", 1, native_seed_random),
	JS_CFUNC_DEF("setClock", 1, native_set_clock),
	JS_CFUNC_DEF("powerOff", 1, native_power_off),
};

const struct js_native js_native_system = {
	.name = "system",
	.entries = native_entries,
	.num_entries = (int)(sizeof(native_entries) / sizeof(native_entries[0])),
};
