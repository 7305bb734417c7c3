// SPDX-License-Identifier: MIT
//
// Control and status registers. RISC-V privileged specification, "Supervisor-Level ISA".
#pragma once

#define SSTATUS_SIE (1 << 1)
#define SSTATUS_SPIE (1 << 5)
#define SSTATUS_UBE (1 << 6)
#define SSTATUS_SPP (1 << 8)
#define SSTATUS_VS_MASK (3 << 9)
#define SSTATUS_FS_SHIFT 13
#define SSTATUS_FS_MASK (3 << 13)
#define SSTATUS_FS_INITIAL (1 << 13)
#define SSTATUS_FS_CLEAN (2 << 13)
#define SSTATUS_FS_DIRTY (3 << 13)

#define SSTATUS_SUM (1 << 18)
#define SSTATUS_MXR (1 << 19)
#define SSTATUS_BOOT_CLEAR \
	(SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_UBE | SSTATUS_VS_MASK | SSTATUS_SUM | SSTATUS_MXR)

#define IRQ_S_SOFT 1
#define IRQ_S_TIMER 5
#define IRQ_S_EXTERNAL 9
#define SCAUSE_INTERRUPT (1ul << 63)

#define SCOUNTEREN_ALL 7  // cycle, time, instret
#define CSR_STIMECMP 0x14d

#ifndef __ASSEMBLER__
#include <stdint.h>

#ifdef STARINA_HOST
// Tests have registers of their own.
uint64_t csr_fake_read(const char *name);
void csr_fake_write(const char *name, uint64_t value);
#define csr_read(csr) csr_fake_read(#csr)
#define csr_write(csr, value) csr_fake_write(#csr, value)
#else
#define csr_read(csr)                                                        \
	({                                                                   \
		uint64_t value_;                                             \
		__asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory"); \
		value_;                                                      \
	})
#define csr_write(csr, value) \
	__asm__ volatile("csrw " #csr ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits) \
	__asm__ volatile("csrc " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#endif
#endif
