// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/imsic.h"

#include "kernel/arch/riscv64/csr.h"

// By number: older assemblers do not know them. siselect and sireg (AIA 2.1), stopei (3.9).
#define CSR_SISELECT 0x150
#define CSR_SIREG 0x151
#define CSR_STOPEI 0x15c
// AIA 3.8, "Indirectly accessed interrupt-file registers"
#define EIDELIVERY 0x70u
#define EITHRESHOLD 0x72u
#define EIP0 0x80u
#define EIE0 0xc0u
#define STOPEI_ID_SHIFT 16

static void file_write(uint32_t reg, uint64_t value)
{
	__asm__ volatile("csrw %0, %1" ::"i"(CSR_SISELECT), "r"((uint64_t)reg) : "memory");
	__asm__ volatile("csrw %0, %1" ::"i"(CSR_SIREG), "r"(value) : "memory");
}

void imsic_init_hart(bool takes, uint32_t num_ids)
{
	file_write(EIDELIVERY, 0);
	// With 64-bit registers only the even ones are there, each with 64 identities.
	for (uint32_t id = 0; id <= num_ids; id += 64) {
		file_write(EIP0 + id / 32, 0);
		// The APLIC's enables are those that count; an identity that nobody uses is found
		// out by interrupt_fired().
		file_write(EIE0 + id / 32, takes ? UINT64_MAX : 0);
	}
	file_write(EITHRESHOLD, 0);
	file_write(EIDELIVERY, takes);
}

uint32_t imsic_claim(void)
{
	uint64_t top;

	__asm__ volatile("csrrw %0, %1, zero" : "=r"(top) : "i"(CSR_STOPEI) : "memory");
	return (uint32_t)(top >> STOPEI_ID_SHIFT);
}
