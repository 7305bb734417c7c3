// SPDX-License-Identifier: MIT
//
// Device registers of 32 bits. On the host the test that links the code answers instead.
#pragma once

#include <stdint.h>

#ifdef STARINA_HOST
// The register at `address` of the test's fake device: its value, and the effect of writing
// `value`.
uint32_t register_fake_read(uintptr_t address);
void register_fake_write(uintptr_t address, uint32_t value);
#define register_read register_fake_read
#define register_write register_fake_write
static inline void fence_io(void)
{
}
#else
static inline uint32_t register_read(uintptr_t address)
{
	return *(volatile uint32_t *)address;
}

static inline void register_write(uintptr_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

// Orders accesses to registers and memory before it against both after it. RISC-V unprivileged
// specification, "FENCE": device registers are I/O, and accesses to two devices have no order
// without it.
static inline void fence_io(void)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}
#endif
