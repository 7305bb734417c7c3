// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/insn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Encodings as GNU as makes them.
static const struct {
	const char *text;
	uint32_t insn;
	struct insn_access access;
} cases[] = {
	{ "lb t1,-1(t0)",
	  0xfff28303,
	  { .is_signed = true, .width = 1, .reg = 6, .length = 4, .base = 5, .offset = -1 } },
	{ "lbu a0,2047(sp)",
	  0x7ff14503,
	  { .width = 1, .reg = 10, .length = 4, .base = 2, .offset = 2047 } },
	{ "lhu a5,8(a4)",
	  0x00875783,
	  { .width = 2, .reg = 15, .length = 4, .base = 14, .offset = 8 } },
	{ "lw zero,0(a0)",
	  0x00052003,
	  { .is_signed = true, .width = 4, .reg = 0, .length = 4, .base = 10 } },
	{ "lwu a0,4(a1)",
	  0x0045e503,
	  { .width = 4, .reg = 10, .length = 4, .base = 11, .offset = 4 } },
	{ "ld t6,-2048(t5)",
	  0x800f3f83,
	  { .is_signed = true, .width = 8, .reg = 31, .length = 4, .base = 30, .offset = -2048 } },
	{ "sb a1,-1(a0)",
	  0xfeb50fa3,
	  { .is_store = true, .width = 1, .reg = 11, .length = 4, .base = 10, .offset = -1 } },
	{ "sh a1,2(a0)",
	  0x00b51123,
	  { .is_store = true, .width = 2, .reg = 11, .length = 4, .base = 10, .offset = 2 } },
	{ "sw zero,80(a5)",
	  0x0407a823,
	  { .is_store = true, .width = 4, .reg = 0, .length = 4, .base = 15, .offset = 80 } },
	{ "sd s11,2047(s10)",
	  0x7fbd3fa3,
	  { .is_store = true, .width = 8, .reg = 27, .length = 4, .base = 26, .offset = 2047 } },
	{ "c.lw s0,124(s1)",
	  0x5ce0,
	  { .is_signed = true, .width = 4, .reg = 8, .length = 2, .base = 9, .offset = 124 } },
	{ "c.ld a5,248(a0)",
	  0x7d7c,
	  { .is_signed = true, .width = 8, .reg = 15, .length = 2, .base = 10, .offset = 248 } },
	{ "c.sw a4,64(a5)",
	  0xc3b8,
	  { .is_store = true, .width = 4, .reg = 14, .length = 2, .base = 15, .offset = 64 } },
	{ "c.sd a4,8(a5)",
	  0xe798,
	  { .is_store = true, .width = 8, .reg = 14, .length = 2, .base = 15, .offset = 8 } },
	{ "c.lwsp a0,252(sp)",
	  0x557e,
	  { .is_signed = true, .width = 4, .reg = 10, .length = 2, .base = 2, .offset = 252 } },
	{ "c.ldsp ra,504(sp)",
	  0x70fe,
	  { .is_signed = true, .width = 8, .reg = 1, .length = 2, .base = 2, .offset = 504 } },
	{ "c.swsp a1,252(sp)",
	  0xdfae,
	  { .is_store = true, .width = 4, .reg = 11, .length = 2, .base = 2, .offset = 252 } },
	{ "c.sdsp s0,504(sp)",
	  0xffa2,
	  { .is_store = true, .width = 8, .reg = 8, .length = 2, .base = 2, .offset = 504 } },
};

static void test_accesses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct insn_access *want = &cases[i].access;
		struct insn_access got;

		// What follows a compressed instruction does not matter.
		uint32_t insn = want->length == 2 ? cases[i].insn | 0xffff0000u : cases[i].insn;

		assert_int_equal(insn_decode_access(insn, &got), 0);
		if (got.is_store != want->is_store || got.is_signed != want->is_signed ||
		    got.width != want->width || got.reg != want->reg ||
		    got.length != want->length || got.base != want->base ||
		    got.offset != want->offset)
			fail_msg("%s: store %d signed %d width %d x%d, %d(x%d), %d bytes",
			         cases[i].text, got.is_store, got.is_signed, got.width, got.reg,
			         got.offset, got.base, got.length);
	}
}

static void test_refused(void **state)
{
	// amoadd.w, flw, fsd, load funct3 7, store funct3 4, c.addi4spn 0, c.fld, c.lwsp x0, c.nop,
	// c.jr, zeros.
	static const uint32_t insns[] = { 0x00b6252f, 0x0005a007, 0x00a53027, 0x00057003,
		                          0x00b54023, 0x0000,     0x2188,     0x4002,
		                          0x0001,     0x8082,     0 };
	struct insn_access got;

	(void)state;
	for (size_t i = 0; i < sizeof(insns) / sizeof(insns[0]); i++)
		assert_int_equal(insn_decode_access(insns[i], &got), ERR_NOT_SUPPORTED);
}

static void test_extend(void **state)
{
	(void)state;
	assert_true(insn_extend(0x1280, 1, true) == 0xffffffffffffff80);
	assert_true(insn_extend(0x1280, 1, false) == 0x80);
	assert_true(insn_extend(0xffff8000, 2, true) == 0xffffffffffff8000);
	assert_true(insn_extend(0x180000000, 4, true) == 0xffffffff80000000);
	assert_true(insn_extend(0x180000000, 4, false) == 0x80000000);
	assert_true(insn_extend(0x8000000000000001, 8, true) == 0x8000000000000001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accesses),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_extend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
