// SPDX-License-Identifier: MIT
//
// Registers and instructions of the H extension, by number: the assembler's -march has no H.
// RISC-V privileged specification, chapter "H", and the Sstc extension.
#pragma once

#define CSR_VSSTATUS 0x200
#define CSR_VSIE 0x204
#define CSR_VSTVEC 0x205
#define CSR_VSSCRATCH 0x240
#define CSR_VSEPC 0x241
#define CSR_VSCAUSE 0x242
#define CSR_VSTVAL 0x243
#define CSR_VSTIMECMP 0x24d
#define CSR_VSATP 0x280
#define CSR_HSTATUS 0x600
#define CSR_HEDELEG 0x602
#define CSR_HIDELEG 0x603
#define CSR_HTIMEDELTA 0x605
#define CSR_HCOUNTEREN 0x606
#define CSR_HGEIE 0x607
#define CSR_HVIEN 0x608
#define CSR_HVICTL 0x609
#define CSR_HENVCFG 0x60a
#define CSR_HSTATEEN(n) (0x60c + (n))
#define CSR_HTVAL 0x643
#define CSR_HIP 0x644
#define CSR_HTINST 0x64a
#define CSR_HVIP 0x645
#define CSR_HGATP 0x680
#define CSR_SCOUNTEREN_N 0x106
#define CSR_SENVCFG_N 0x10a

#define HSTATUS_GVA (1ull << 6)
#define HSTATUS_SPV (1ull << 7)
#define HSTATUS_SPVP (1ull << 8)
#define HSTATUS_HU (1ull << 9)
#define HSTATUS_VTW (1ull << 21)
#define HSTATUS_VSXL_64 (2ull << 32)

#define HVIP_VSSIP (1ull << 2)
#define HVIP_VSTIP (1ull << 6)
#define HVIP_VSEIP (1ull << 10)

#define HENVCFG_CBIE_FLUSH (1ull << 4)
#define HENVCFG_CBCFE (1ull << 6)
#define HENVCFG_CBZE (1ull << 7)
#define HENVCFG_STCE (1ull << 63)

#define HSTATEEN0_ENVCFG (1ull << 62)

#define HGATP_MODE_SHIFT 60
#define HGATP_MODE_SV39X4 8ull
#define HGATP_MODE_SV48X4 9ull
#define HGATP_VMID_SHIFT 44
#define HGATP_VMID_MASK 0x3fffull

#define HCOUNTEREN_CY_TM_IR 7ull

// htinst when the access of a guest-page fault was the walk of the guest's own page table (section
// "Transformed Instruction or Pseudoinstruction for mtinst or htinst").
#define HTINST_WALK_READ 0x3000ull
#define HTINST_WALK_WRITE 0x3020ull

// Host tests take the numbers only.
#if !defined(__ASSEMBLER__) && !defined(STARINA_HOST)
#include <stdint.h>

#define hcsr_read(number)                                                                \
	({                                                                               \
		uint64_t value_;                                                         \
		__asm__ volatile("csrr %0, %1" : "=r"(value_) : "i"(number) : "memory"); \
		value_;                                                                  \
	})
#define hcsr_write(number, value) \
	__asm__ volatile("csrw %0, %1" ::"i"(number), "rK"((uint64_t)(value)) : "memory")
#define hcsr_set(number, value) \
	__asm__ volatile("csrs %0, %1" ::"i"(number), "rK"((uint64_t)(value)) : "memory")
#define hcsr_clear(number, value) \
	__asm__ volatile("csrc %0, %1" ::"i"(number), "rK"((uint64_t)(value)) : "memory")

// What this hart may remember of guest-physical address `gpa`, of all guests: that nothing is
// mapped there, too.
static inline void hfence_gvma(uint64_t gpa)
{
	__asm__ volatile(".insn r 0x73, 0, 0x31, x0, %0, x0" ::"r"(gpa >> 2) : "memory");
}
// All guest-physical translations of all guests on this hart.
static inline void hfence_gvma_all(void)
{
	__asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory");
}
// All virtual translations of the guest in hgatp on this hart.
static inline void hfence_vvma_all(void)
{
	__asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory");
}
#endif
