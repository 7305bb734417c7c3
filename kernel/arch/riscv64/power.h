// SPDX-License-Identifier: MIT
#pragma once

// Maps the power-off device; after mmu_init.
void power_init(void);
