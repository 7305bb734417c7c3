// SPDX-License-Identifier: MIT
//
// The other harts: starting and kicking them. SBI 1.0, chapters 7 and 9.
#pragma once

// `hart_starts`, as boot/entry.S reads it.
#define HART_START_COUNT 16
#define HART_START_SIZE 32

#ifndef __ASSEMBLER__

// Starts all other harts of the device tree; each runs hart_main(). A hart that does not come is reported and left out.
// After mmu_init; returns when all are online.
void smp_start(void);
#endif
