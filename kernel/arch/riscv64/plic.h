// SPDX-License-Identifier: MIT
//
// The platform-level interrupt controller. RISC-V PLIC specification 1.0.0. A claimed line is shut
// until it is completed: that is the mask between interrupt and arch_irq_unmask(), without a
// register write more.
#pragma once

#include "kernel/arch/riscv64/irq_chip.h"

extern const struct irq_chip plic_chip;

// The registers are mapped at `regs`. The first of `contexts` takes all lines; the others, which
// are those of the rest of the harts' S-mode, take none. Contexts of M-mode are the firmware's.
void plic_init(uintptr_t regs, uint32_t num_irqs, const uint32_t *contexts, uint32_t num_contexts);
