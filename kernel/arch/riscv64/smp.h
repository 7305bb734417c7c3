// SPDX-License-Identifier: MIT
//
// The other harts: starting and kicking them. SBI 1.0, chapters 7 and 9.
#pragma once

// `hart_starts`, as boot/entry.S reads it.
#define HART_START_COUNT 16
#define HART_START_SIZE 40

#ifndef __ASSEMBLER__
#include <stdint.h>

// Starts all other harts of the device tree; each runs hart_main(). A hart that does not come
// within ten seconds is reported and left out. After mmu_init; returns when all are online.
void smp_start(void);
// What hart_main() asks first, with its argument: the index of this hart. Does not return on a hart
// that comes too late.
uint32_t smp_hart_index(uint64_t argument);
#endif
