// SPDX-License-Identifier: MIT
//
// The platform-level interrupt controller. RISC-V PLIC specification 1.0.0. All lines go to the boot hart. A line is
// masked from its claim to arch_irq_unmask(), which completes it: the controller's own gate, no register write more.
#pragma once

// Maps the registers; after mmu_init.
void plic_init(void);
// From the external interrupt: hands each pending line to interrupt_fired().
void plic_handle(void);
