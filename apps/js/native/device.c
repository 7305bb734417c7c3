// SPDX-License-Identifier: MIT
//
// native:device: device(compatible, index), kept(name) and fence(). What a driver does with a
// device is in registers.c and interrupt.c.
#include "apps/js/native/folio.h"
#include "apps/js/native/interrupt.h"
#include "apps/js/native/native.h"
#include "apps/js/native/registers.h"
#include "libs/starina/environ.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/barrier.h"

// Entries of the environment whose handles have objects by now.
static uint32_t taken;

// Makes the caller the owner of what an entry with `handle` holds. Of two objects for it one would
// close what the other uses. What is lost for want of memory stays taken: its handle is closed.
// False: it threw.
static bool take(JSContext *ctx, handle_t handle)
{
	size_t i = 0;

	while (js.env->entries[i].handle != handle)
		i++;
	if ((taken & (1u << i)) != 0) {
		js_throw(ctx, ERR_BAD_STATE, "what the environment holds was given out");
		return false;
	}
	taken |= 1u << i;
	return true;
}

// NULL: it threw. The caller frees it.
static const char *name_of(JSContext *ctx, JSValueConst value)
{
	if (JS_IsString(value))
		return JS_ToCString(ctx, value);
	JS_ThrowTypeError(ctx, "a name is a string");
	return NULL;
}

// Consumes `value`. False: it threw.
static bool put(JSContext *ctx, JSValueConst object, const char *name, JSValue value)
{
	return !JS_IsException(value) &&
		JS_DefinePropertyValueStr(ctx, object, name, value, JS_PROP_C_W_E) >= 0;
}

// device(compatible, index): its registers and its interrupt, in an object of two; undefined past
// the last. Once for each device: who asks keeps them.
static JSValue native_device(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const struct env_entry *entry;
	const char *compatible;
	JSValue device;
	uint32_t index;

	(void)self;
	(void)argc;
	if (js_to_u32(ctx, argv[1], UINT32_MAX, &index) != 0)
		return JS_EXCEPTION;
	compatible = name_of(ctx, argv[0]);
	if (compatible == NULL)
		return JS_EXCEPTION;
	entry = environ_device(js.env, compatible, index);
	JS_FreeCString(ctx, compatible);
	if (entry == NULL)
		return JS_UNDEFINED;
	device = JS_NewObject(ctx);
	if (JS_IsException(device))
		return device;
	if (!take(ctx, entry->handle)) {
		JS_FreeValue(ctx, device);
		return JS_EXCEPTION;
	}
	if (put(ctx, device, "registers", js_registers_new(ctx, entry)) &&
	    (entry->interrupt == HANDLE_NONE ||
	     put(ctx, device, "interrupt", js_interrupt_new(ctx, entry->interrupt))))
		return device;
	JS_FreeValue(ctx, device);
	return JS_EXCEPTION;
}

static JSValue native_kept(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *name = name_of(ctx, argv[0]);
	handle_t folio;

	(void)self;
	(void)argc;
	if (name == NULL)
		return JS_EXCEPTION;
	folio = environ_kept(js.env, name);
	JS_FreeCString(ctx, name);
	if (folio == HANDLE_NONE)
		return JS_UNDEFINED;
	return take(ctx, folio) ? js_folio_new(ctx, folio) : JS_EXCEPTION;
}

// One that orders all, memory and registers: what a weaker one would save is nothing beside the
// call from the script.
static JSValue native_fence(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)ctx;
	(void)self;
	(void)argc;
	(void)argv;
	barrier_io();
	return JS_UNDEFINED;
}

static int device_init(JSContext *ctx)
{
	taken = 0;
	if (js_folio_init(ctx) != 0 || js_registers_init(ctx) != 0)
		return -1;
	return js_interrupt_init(ctx);
}

static const JSCFunctionListEntry native_entries[] = {
	JS_CFUNC_DEF("device", 2, native_device),
	JS_CFUNC_DEF("kept", 1, native_kept),
	JS_CFUNC_DEF("fence", 0, native_fence),
};

const struct js_native js_native_device = {
	.name = "device",
	.entries = native_entries,
	.num_entries = (int)(sizeof(native_entries) / sizeof(native_entries[0])),
	.init = device_init,
};
