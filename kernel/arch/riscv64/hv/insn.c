// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/insn.h"

#include <stddef.h>

#define OPCODE_LOAD 0x03
#define OPCODE_STORE 0x23

static unsigned bits(uint32_t insn, unsigned low, unsigned count)
{
	return (insn >> low) & ((1u << count) - 1);
}

// A 12-bit immediate.
static int16_t sign_extend_12(unsigned value)
{
	return (int16_t)((int)(value << 20) >> 20);
}

// funct3 of a load: bits 1:0 are the width's logarithm, bit 2 says unsigned. 7 would be an unsigned
// doubleword: reserved.
static error_t decode_load(uint32_t insn, struct insn_access *out)
{
	unsigned funct3 = bits(insn, 12, 3);

	if (funct3 == 7)
		return ERR_NOT_SUPPORTED;
	*out = (struct insn_access){
		.is_signed = (funct3 & 4) == 0,
		.width = (uint8_t)(1u << (funct3 & 3)),
		.reg = (uint8_t)bits(insn, 7, 5),
		.length = 4,
		.base = (uint8_t)bits(insn, 15, 5),
		.offset = sign_extend_12(bits(insn, 20, 12)),
	};
	return 0;
}

static error_t decode_store(uint32_t insn, struct insn_access *out)
{
	unsigned funct3 = bits(insn, 12, 3);

	if (funct3 > 3)
		return ERR_NOT_SUPPORTED;
	*out = (struct insn_access){
		.is_store = true,
		.width = (uint8_t)(1u << funct3),
		.reg = (uint8_t)bits(insn, 20, 5),
		.length = 4,
		.base = (uint8_t)bits(insn, 15, 5),
		.offset = sign_extend_12(bits(insn, 25, 7) << 5 | bits(insn, 7, 5)),
	};
	return 0;
}

// A compressed instruction is named by its quadrant (bits 1:0) and funct3 (bits 15:13). The forms
// differ in where registers and the unsigned, scaled offset are: CL and CS have x8 to x15 at 4:2
// and base 9:7; CI (c.lwsp) has rd at 11:7 and CSS (c.swsp) rs2 at 6:2, both with base sp.
enum compressed_form {
	FORM_NONE,
	FORM_CL,
	FORM_CS,
	FORM_CI_SP,
	FORM_CSS_SP,
};

static const struct {
	uint8_t form;
	uint8_t width;
} compressed_table[3][8] = {
	[0] = {
		[2] = {FORM_CL, 4},      // c.lw
		[3] = {FORM_CL, 8},      // c.ld
		[6] = {FORM_CS, 4},      // c.sw
		[7] = {FORM_CS, 8},      // c.sd
	},
	[2] = {
		[2] = {FORM_CI_SP, 4},   // c.lwsp
		[3] = {FORM_CI_SP, 8},   // c.ldsp
		[6] = {FORM_CSS_SP, 4},  // c.swsp
		[7] = {FORM_CSS_SP, 8},  // c.sdsp
	},
};

// Zcb's byte and halfword accesses: quadrant 0, funct3 4. Bits 12:10 say which.
static error_t decode_zcb(uint32_t insn, struct insn_access *out)
{
	unsigned which = bits(insn, 10, 3);
	bool bit6 = bits(insn, 6, 1) != 0;

	*out = (struct insn_access){
		.reg = (uint8_t)(8 + bits(insn, 2, 3)),
		.base = (uint8_t)(8 + bits(insn, 7, 3)),
		.length = 2,
	};
	switch (which) {
	case 0:  // c.lbu
	case 2:  // c.sb
		out->width = 1;
		out->is_store = which == 2;
		out->offset = (int16_t)(bits(insn, 5, 1) << 1 | bits(insn, 6, 1));
		return 0;
	case 1:  // c.lhu; with bit 6 c.lh
	case 3:  // c.sh; with bit 6 reserved
		out->width = 2;
		out->is_store = which == 3;
		out->is_signed = which == 1 && bit6;
		out->offset = (int16_t)(bits(insn, 5, 1) << 1);
		return which == 3 && bit6 ? ERR_NOT_SUPPORTED : 0;
	default: return ERR_NOT_SUPPORTED;
	}
}

static int16_t offset_cl(uint32_t insn, unsigned width)
{
	unsigned high = bits(insn, 10, 3) << 3;

	if (width == 4)
		return (int16_t)(high | bits(insn, 6, 1) << 2 | bits(insn, 5, 1) << 6);
	return (int16_t)(high | bits(insn, 5, 2) << 6);
}

static int16_t offset_load_sp(uint32_t insn, unsigned width)
{
	unsigned high = bits(insn, 12, 1) << 5;

	if (width == 4)
		return (int16_t)(high | bits(insn, 4, 3) << 2 | bits(insn, 2, 2) << 6);
	return (int16_t)(high | bits(insn, 5, 2) << 3 | bits(insn, 2, 3) << 6);
}

static int16_t offset_store_sp(uint32_t insn, unsigned width)
{
	if (width == 4)
		return (int16_t)(bits(insn, 9, 4) << 2 | bits(insn, 7, 2) << 6);
	return (int16_t)(bits(insn, 10, 3) << 3 | bits(insn, 7, 3) << 6);
}

static error_t decode_compressed(uint32_t insn, struct insn_access *out)
{
	unsigned quadrant = bits(insn, 0, 2);
	unsigned funct3 = bits(insn, 13, 3);
	unsigned width = compressed_table[quadrant][funct3].width;
	unsigned form = compressed_table[quadrant][funct3].form;

	if (quadrant == 0 && funct3 == 4)
		return decode_zcb(insn, out);

	*out = (struct insn_access){ .width = (uint8_t)width, .length = 2 };
	switch (form) {
	case FORM_CL:
	case FORM_CS:
		out->is_store = form == FORM_CS;
		out->is_signed = form == FORM_CL;
		out->reg = (uint8_t)(8 + bits(insn, 2, 3));
		out->base = (uint8_t)(8 + bits(insn, 7, 3));
		out->offset = offset_cl(insn, width);
		return 0;
	case FORM_CI_SP:
		out->is_signed = true;
		out->reg = (uint8_t)bits(insn, 7, 5);
		out->base = 2;
		out->offset = offset_load_sp(insn, width);
		// rd 0 is reserved.
		return out->reg == 0 ? ERR_NOT_SUPPORTED : 0;
	case FORM_CSS_SP:
		out->is_store = true;
		out->reg = (uint8_t)bits(insn, 2, 5);
		out->base = 2;
		out->offset = offset_store_sp(insn, width);
		return 0;
	default: return ERR_NOT_SUPPORTED;
	}
}

error_t insn_decode_access(uint32_t insn, struct insn_access *out)
{
	if (insn_length((uint16_t)insn) == 2)
		return decode_compressed(insn & 0xffff, out);
	switch (insn & 0x7f) {
	case OPCODE_LOAD: return decode_load(insn, out);
	case OPCODE_STORE: return decode_store(insn, out);
	default: return ERR_NOT_SUPPORTED;
	}
}

uint64_t insn_extend(uint64_t data, unsigned width, bool is_signed)
{
	unsigned shift = 64 - 8 * width;

	if (is_signed)
		return (uint64_t)((int64_t)(data << shift) >> shift);
	return data << shift >> shift;
}
