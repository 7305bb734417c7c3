// SPDX-License-Identifier: MIT
//
// The advanced platform-level interrupt controller. RISC-V AIA specification 1.0, chapter 4: the
// supervisor-level domain, in direct delivery mode (section 4.8), or in MSI delivery mode (4.9)
// before the harts' IMSICs (imsic.h).
#pragma once

#include <stdbool.h>

#include "kernel/arch/riscv64/irq_chip.h"

extern const struct irq_chip aplic_chip;
extern const struct irq_chip aplic_msi_chip;

// The domain's registers are mapped at `regs`. `harts` are hart indexes as the domain counts them;
// the first takes all lines. In MSI mode line N is the interrupt identity N there. Returns false
// when the domain cannot deliver in this mode.
__must_check bool aplic_init(uintptr_t regs, uint32_t num_irqs, bool msi, const uint32_t *harts,
                             uint32_t num_harts);
