// SPDX-License-Identifier: MIT
#pragma once

// Moves the console's registers from the early page table's direct map to a mapping of their own:
// right after mmu_init, nothing logs in between.
void console_map(void);
