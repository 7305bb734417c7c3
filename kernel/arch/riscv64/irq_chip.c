// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/irq_chip.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/aplic.h"
#include "kernel/arch/riscv64/imsic.h"
#include "kernel/arch/riscv64/plic.h"
#include "kernel/debug/log.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/interrupt.h"
#include "kernel/sched/sched.h"
#include "kernel/arch/riscv64/machine.h"

static const struct irq_chip *chip;  // NULL: devices cannot interrupt
static uint32_t last_irq;
static uint32_t taker;  // what the controller calls the hart that takes all lines

// What the controller calls the harts' S-mode, the taker's first. The boot hart takes the lines if
// it can.
static uint32_t collect_targets(uint32_t targets[MAX_HARTS])
{
	uint32_t num = 0;

	for (uint32_t i = 0; i < num_harts; i++) {
		if (!harts[i].arch.has_irq_target)
			continue;
		targets[num++] = harts[i].arch.irq_target;
	}
	return num;
}

static uintptr_t map_registers(const struct machine_irq_chip *from)
{
	uintptr_t base;

	if (vmap_reserve(from->size, PAGE_SIZE, &base) != 0 ||
	    vmap_map(base, from->base, from->size, VMAP_READ | VMAP_WRITE | VMAP_DEVICE) != 0)
		return 0;
	return base;
}

void irq_chip_init(void)
{
	const struct machine_irq_chip *from = &machine.irq_chip;
	uint32_t targets[MAX_HARTS];
	uint32_t num = collect_targets(targets);
	const struct irq_chip *found = NULL;
	uintptr_t regs;

	if (from->kind == IRQ_CHIP_NONE)
		return;
	if (num == 0) {
		kerror("the interrupt controller at %#lx reaches no hart: devices cannot interrupt",
		       (unsigned long)from->base);
		return;
	}
	taker = targets[0];
	regs = map_registers(from);
	if (regs == 0) {
		kerror("no memory to map the interrupt controller's registers: devices cannot interrupt");
		return;
	}
	last_irq = from->num_irqs < INTERRUPT_MAX ? from->num_irqs : INTERRUPT_MAX - 1;
	if (from->kind == IRQ_CHIP_PLIC) {
		plic_init(regs, last_irq, targets, num);
		found = &plic_chip;
	} else if (aplic_init(regs, last_irq, from->kind == IRQ_CHIP_APLIC_MSI, targets, num)) {
		found = from->kind == IRQ_CHIP_APLIC_MSI ? &aplic_msi_chip : &aplic_chip;
	} else {
		kerror("the APLIC at %#lx cannot deliver as the device tree says: devices cannot interrupt",
		       (unsigned long)from->base);
	}
	if (from->kind == IRQ_CHIP_APLIC_MSI && last_irq > from->num_ids)
		last_irq = from->num_ids;
	chip = found;
	irq_chip_init_hart(&harts[0]);
}

void irq_chip_init_hart(const struct hart *hart)
{
	bool takes = hart->arch.has_irq_target && hart->arch.irq_target == taker;

	if (chip == &aplic_msi_chip)
		imsic_init_hart(takes, machine.irq_chip.num_ids);
}

void irq_chip_handle(void)
{
	if (chip != NULL)
		chip->handle();
}

error_t arch_irq_enable(uint32_t irq)
{
	if (chip == NULL)
		return ERR_NOT_SUPPORTED;
	if (irq == 0 || irq > last_irq)
		return ERR_RANGE;
	return chip->enable(irq);
}

void arch_irq_unmask(uint32_t irq)
{
	chip->unmask(irq);
}

void arch_irq_disable(uint32_t irq)
{
	chip->disable(irq);
}
