// SPDX-License-Identifier: MIT
//
// The interrupt controller: a PLIC, or the AIA's APLIC with or without IMSICs. One hart takes all
// lines. A line is masked from the moment that its interrupt is taken until arch_irq_unmask()
// (kernel/arch/arch.h), whatever the controller.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/error.h"

struct hart;

// What a controller does. All but `handle` may be called on any hart.
struct irq_chip {
	const char *name;
	// arch_irq_enable, arch_irq_unmask and arch_irq_disable, for lines from 1 to the
	// controller's last.
	error_t (*enable)(uint32_t irq);
	void (*unmask)(uint32_t irq);
	void (*disable)(uint32_t irq);
	// Hands each pending line, masked, to interrupt_fired(). Context: an external interrupt, of
	// the hart that takes the lines.
	void (*handle)(void);
};

// Brings the controller that the device tree names into a known state: nothing enabled, all lines
// to one hart. Context: the boot hart, after mmu_init.
void irq_chip_init(void);
// The calling hart's own part; after irq_chip_init.
void irq_chip_init_hart(const struct hart *hart);
// From the external interrupt.
void irq_chip_handle(void);
