// SPDX-License-Identifier: MIT
//
// A device's registers. Each accessor makes one access of exactly its width, and orders it as
// drivers expect: what was read comes before all that follows, and all that was done before comes
// before what is written.
#include "apps/js/native/registers.h"

#include "libs/base/span.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/barrier.h"

struct registers {
	struct js_handle h;
	volatile uint8_t *base;
	uint64_t size;
};

static struct js_handle_kind registers_kind = { .name = "Registers",
	                                        .size = sizeof(struct registers) };

// The address of the register that an accessor of `width` bytes means. NULL: it threw. Only numbers
// are taken, so that no code of the script runs between the check and the access.
static volatile void *register_of(JSContext *ctx, JSValueConst self, JSValueConst offset_value,
                                  unsigned int width)
{
	struct registers *regs = js_handle_of(ctx, self, &registers_kind);
	double number;
	uint64_t offset;

	if (regs == NULL)
		return NULL;
	if (!JS_IsNumber(offset_value) || JS_ToFloat64(ctx, &number, offset_value) != 0 ||
	    !(number >= 0 && number < (double)regs->size) || number != (double)(uint64_t)number) {
		js_throw(ctx, ERR_RANGE, "no register has this offset");
		return NULL;
	}
	offset = (uint64_t)number;
	if (!range_within(offset, width, regs->size)) {
		js_throw(ctx, ERR_RANGE, "the access goes beyond the registers");
		return NULL;
	}
	if (offset % width != 0) {
		js_throw(ctx, ERR_INVALID, "an offset is a multiple of the access's width");
		return NULL;
	}
	return regs->base + offset;
}

static JSValue registers_read(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv,
                              int width)
{
	volatile void *reg = register_of(ctx, self, argv[0], (unsigned int)width);
	uint64_t value;

	(void)argc;
	if (reg == NULL)
		return JS_EXCEPTION;
	switch (width) {
	case 1: value = *(volatile uint8_t *)reg; break;
	case 2: value = *(volatile uint16_t *)reg; break;
	case 4: value = *(volatile uint32_t *)reg; break;
	default: value = *(volatile uint64_t *)reg; break;
	}
	barrier_io();
	return width == 8 ? JS_NewBigUint64(ctx, value) : JS_NewInt64(ctx, (int64_t)value);
}

// A value that fits into `width` bytes as it is. False: it threw.
static bool value_of(JSContext *ctx, JSValueConst value, int width, uint64_t *out)
{
	double number;

	if (width == 8) {
		if (JS_IsBigInt(ctx, value))
			return js_to_u64(ctx, value, out) == 0;
		js_throw(ctx, ERR_INVALID, "64 bits are a bigint");
		return false;
	}
	if (!JS_IsNumber(value) || JS_ToFloat64(ctx, &number, value) != 0 ||
	    !(number >= 0 && number < (double)(UINT64_C(1) << (8 * width))) ||
	    number != (double)(uint64_t)number) {
		js_throw(ctx, ERR_INVALID, "the value is no number that fits into the register");
		return false;
	}
	*out = (uint64_t)number;
	return true;
}

static JSValue registers_write(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv,
                               int width)
{
	volatile void *reg = register_of(ctx, self, argv[0], (unsigned int)width);
	uint64_t value;

	(void)argc;
	if (reg == NULL || !value_of(ctx, argv[1], width, &value))
		return JS_EXCEPTION;
	barrier_io();
	switch (width) {
	case 1: *(volatile uint8_t *)reg = (uint8_t)value; break;
	case 2: *(volatile uint16_t *)reg = (uint16_t)value; break;
	case 4: *(volatile uint32_t *)reg = (uint32_t)value; break;
	default: *(volatile uint64_t *)reg = value; break;
	}
	return JS_UNDEFINED;
}

static JSValue registers_size(JSContext *ctx, JSValueConst self)
{
	struct registers *regs = js_handle_of(ctx, self, &registers_kind);

	return regs != NULL ? JS_NewInt64(ctx, (int64_t)regs->size) : JS_EXCEPTION;
}

static const JSCFunctionListEntry registers_functions[] = {
	JS_CFUNC_MAGIC_DEF("read8", 1, registers_read, 1),
	JS_CFUNC_MAGIC_DEF("read16", 1, registers_read, 2),
	JS_CFUNC_MAGIC_DEF("read32", 1, registers_read, 4),
	JS_CFUNC_MAGIC_DEF("read64", 1, registers_read, 8),
	JS_CFUNC_MAGIC_DEF("write8", 2, registers_write, 1),
	JS_CFUNC_MAGIC_DEF("write16", 2, registers_write, 2),
	JS_CFUNC_MAGIC_DEF("write32", 2, registers_write, 4),
	JS_CFUNC_MAGIC_DEF("write64", 2, registers_write, 8),
	JS_CGETSET_DEF("size", registers_size, NULL),
};

JSValue js_registers_new(JSContext *ctx, const struct env_entry *entry)
{
	struct registers *regs;
	JSValue object;
	void *base;
	error_t err = folio_map(entry->handle, PROT_READ | PROT_WRITE, &base);

	if (err != 0)
		return js_throw(ctx, err, "cannot map the device's registers");
	object = js_handle_new(ctx, &registers_kind, entry->handle);
	if (JS_IsException(object))
		return object;
	regs = js_handle_of(ctx, object, &registers_kind);
	regs->base = (volatile uint8_t *)base + entry->reg_offset;
	regs->size = entry->reg_size;
	return object;
}

int js_registers_init(JSContext *ctx)
{
	return js_handle_kind_init(
		ctx, &registers_kind, registers_functions,
		(int)(sizeof(registers_functions) / sizeof(registers_functions[0])));
}
