// SPDX-License-Identifier: MIT
//
// The other harts: starting and kicking them. SBI 1.0, chapters 7 and 9.
#pragma once

// Starts all other harts of the device tree; each runs hart_main(). A hart that does not come is reported and left out.
// After mmu_init; returns when all are online.
void smp_start(void);
