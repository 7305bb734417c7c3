// SPDX-License-Identifier: MIT
//
// The app's memory, word by word and inline, for the calls that are made most. Addresses are
// multiples of 8 and were checked with app_words_ok; no lock is held: a fault may populate a lazy
// folio, and if it cannot, the access returns false (kernel/arch/riscv64/ trap.h, fixups).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/app_window.h"
#include "kernel/arch/riscv64/arch_types.h"
#include "kernel/arch/riscv64/layout.h"
#include "kernel/arch/riscv64/mmu.h"

_Static_assert(VMAP_BASE - DIRECT_MAP_BASE == DIRECT_MAP_SIZE, "one range");

_Static_assert(DIRECT_MAP_BASE >> 32 == 0xffffffc0 && VMAP_END >> 32 == 0xffffffff,
               "tested by the upper halves");

// Whether [addr, addr + size) may be an app's memory for reading and writing, and is aligned;
// `size` is far less than what is unmapped behind VMAP_END. An answer of no is not final:
// copy_from_app and copy_to_app look closer.
static inline bool app_words_ok(uintptr_t addr, size_t size)
{
	if ((addr & 7) != 0)
		return false;
	if (__builtin_expect((uint64_t)(((int64_t)addr >> 32) + 64) < 63, 1))
		return true;
	return addr >= (uintptr_t)__apps_data_start && addr < (uintptr_t)__apps_data_end &&
		size <= (uintptr_t)__apps_data_end - addr;
}

// Where the kernel reaches [addr, addr + len), of which app_words_ok was asked: there itself. The
// functions below take such addresses. (See user_access.h, where the answer may be no.)
static inline bool app_windows_last(void)
{
	return true;
}
static inline bool app_windows_hold(void)
{
	return true;
}
static inline void app_windows_release(void)
{
}
static inline bool app_window(enum app_window which, uintptr_t addr, size_t len, bool write,
                              uintptr_t *at)
{
	(void)which;
	(void)len;
	(void)write;
	*at = addr;
	return true;
}
static inline bool app_window_holds(uintptr_t at, size_t len)
{
	(void)at;
	(void)len;
	return true;
}
static inline void app_window_open(enum app_window which, uintptr_t addr, bool write)
{
	(void)which;
	(void)addr;
	(void)write;
}

#define APP_FIXUP                                                  \
	"2:\n"                                                     \
	"	.pushsection .fixup, \"a\"\n"                            \
	"	.balign 8\n"                                             \
	"	.quad 1b, 2b, %l[fault], 1\n" /* FIXUP_KIND_APP */ \
	"	.popsection\n"

// The word at `addr`.
static inline __attribute__((always_inline)) bool app_load(uintptr_t addr, uint64_t *out)
{
	uint64_t value = 0;

	__asm__ goto volatile("1:	ld	%[value], 0(%[addr])\n" APP_FIXUP
	                      : [value] "=r"(value)
	                      : [addr] "r"(addr)
	                      : "memory"
	                      : fault);
	*out = value;
	return true;
fault:
	return false;
}

// Two words at `addr`.
static inline __attribute__((always_inline)) bool app_store_2(uintptr_t addr, uint64_t first,
                                                              uint64_t second)
{
	__asm__ goto volatile("1:	sd	%z[first], 0(%[addr])\n"
	                      "	sd	%z[second], 8(%[addr])\n" APP_FIXUP
	                      :
	                      : [addr] "r"(addr), [first] "rJ"(first), [second] "rJ"(second)
	                      : "memory"
	                      : fault);
	return true;
fault:
	return false;
}

// The word at `addr`.
static inline __attribute__((always_inline)) bool app_store(uintptr_t addr, uint64_t value)
{
	__asm__ goto volatile("1:	sd	%z[value], 0(%[addr])\n" APP_FIXUP
	                      :
	                      : [addr] "r"(addr), [value] "rJ"(value)
	                      : "memory"
	                      : fault);
	return true;
fault:
	return false;
}

// `len` bytes between the kernel's and the app's memory, either way.
static inline __attribute__((always_inline)) bool app_copy(void *dst, const void *src, size_t len)
{
	uint64_t a, b;

	__asm__ goto volatile(
		"1:	addi	%[len], %[len], -16\n"
		"	bltz	%[len], 4f\n"
		"3:	ld	%[a], 0(%[src])\n"
		"	ld	%[b], 8(%[src])\n"
		"	addi	%[len], %[len], -16\n"
		"	sd	%[a], 0(%[dst])\n"
		"	sd	%[b], 8(%[dst])\n"
		"	addi	%[src], %[src], 16\n"
		"	addi	%[dst], %[dst], 16\n"
		"	bgez	%[len], 3b\n"
		"4:	addi	%[len], %[len], 8\n"
		"	bltz	%[len], 7f\n"
		"	ld	%[a], 0(%[src])\n"
		"	sd	%[a], 0(%[dst])\n"
		"	addi	%[len], %[len], -8\n"
		"	addi	%[src], %[src], 8\n"
		"	addi	%[dst], %[dst], 8\n"
		"7:	addi	%[len], %[len], 8\n"
		"	beqz	%[len], 6f\n"
		"5:	lbu	%[a], 0(%[src])\n"
		"	addi	%[len], %[len], -1\n"
		"	sb	%[a], 0(%[dst])\n"
		"	addi	%[src], %[src], 1\n"
		"	addi	%[dst], %[dst], 1\n"
		"	bnez	%[len], 5b\n"
		"6:\n" APP_FIXUP
		: [dst] "+&r"(dst), [src] "+&r"(src), [len] "+&r"(len), [a] "=&r"(a), [b] "=&r"(b)
		:
		: "memory"
		: fault);
	return true;
fault:
	return false;
}
