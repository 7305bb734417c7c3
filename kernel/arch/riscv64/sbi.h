// SPDX-License-Identifier: MIT
//
// Calls to the firmware. RISC-V SBI specification 1.0 (OpenSBI 1.1 and later).
#pragma once

#define SBI_EXT_BASE 0x10
#define SBI_EXT_PUTCHAR 0x01
#define SBI_EXT_DBCN 0x4442434e
#define SBI_EXT_TIME 0x54494d45
#define SBI_EXT_IPI 0x735049
#define SBI_EXT_RFENCE 0x52464e43
#define SBI_EXT_HSM 0x48534d
#define SBI_EXT_SRST 0x53525354

#define SBI_ALREADY_AVAILABLE (-6)

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbi_result {
	long error;
	long value;
};

#ifdef STARINA_HOST
// One call: extension, function, and four arguments. SBI chapter 3.
struct sbi_result sbi_call(uint64_t ext, uint64_t fn, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                           uint64_t arg3);
#else
static inline struct sbi_result sbi_call(uint64_t ext, uint64_t fn, uint64_t arg0, uint64_t arg1,
                                         uint64_t arg2, uint64_t arg3)
{
	register uint64_t a0 __asm__("a0") = arg0;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;
	register uint64_t a3 __asm__("a3") = arg3;
	register uint64_t a6 __asm__("a6") = fn;
	register uint64_t a7 __asm__("a7") = ext;

	__asm__ volatile("ecall"
	                 : "+r"(a0), "+r"(a1)
	                 : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
	                 : "memory");
	return (struct sbi_result){ .error = (long)a0, .value = (long)a1 };
}
#endif

// Panics when the firmware has refused what nothing is safe without; `what` names it.
void sbi_must(struct sbi_result result, const char *what);

// Whether the firmware has the extension (chapter 4).
static inline bool sbi_has(uint64_t ext)
{
	struct sbi_result r = sbi_call(SBI_EXT_BASE, 3, ext, 0, 0, 0);

	return r.error == 0 && r.value != 0;
}

// The next timer interrupt, in ticks of `time` (chapter 6).
static inline void sbi_set_timer(uint64_t ticks)
{
	sbi_call(SBI_EXT_TIME, 0, ticks, 0, 0, 0);
}

// A software interrupt to one hart, by its firmware id (chapter 7).
static inline void sbi_send_ipi(uint64_t firmware_id)
{
	sbi_call(SBI_EXT_IPI, 0, 1, firmware_id, 0, 0);
}

// All harts fetch what was stored before (chapter 8, as below).
static inline void sbi_remote_fence_i_all(void)
{
	sbi_must(sbi_call(SBI_EXT_RFENCE, 0, 0, UINT64_MAX, 0, 0), "remote FENCE.I");
}

// All harts forget their translations (chapter 8, hart_mask_base -1: all).
static inline void sbi_remote_sfence_vma_all(void)
{
	sbi_must(sbi_call(SBI_EXT_RFENCE, 1, 0, UINT64_MAX, 0, UINT64_MAX), "remote SFENCE.VMA");
}

// One hart, by its firmware id, forgets its translations.
static inline void sbi_remote_sfence_vma(uint64_t firmware_id)
{
	sbi_must(sbi_call(SBI_EXT_RFENCE, 1, 1, firmware_id, 0, UINT64_MAX), "remote SFENCE.VMA");
}

// A byte on the firmware's console: by DBCN (SBI 2.0, chapter 12), or by the legacy extension
// (chapter 5). What it cannot print is lost.
static inline void sbi_put_byte(bool dbcn, uint8_t byte)
{
	if (dbcn)
		sbi_call(SBI_EXT_DBCN, 2, byte, 0, 0, 0);
	else
		sbi_call(SBI_EXT_PUTCHAR, 0, byte, 0, 0, 0);
}

// Starts a hart at physical address `entry` with a1 = `opaque` (chapter 9). Returns the SBI error.
static inline long sbi_hart_start(uint64_t firmware_id, uint64_t entry, uint64_t opaque)
{
	return sbi_call(SBI_EXT_HSM, 0, firmware_id, entry, opaque, 0).error;
}

// Shutdown (chapter 10); returns only when it cannot. `failed`: the reason is "system failure".
static inline void sbi_shutdown(bool failed)
{
	sbi_call(SBI_EXT_SRST, 0, 0, failed ? 1 : 0, 0, 0);
}
#endif
