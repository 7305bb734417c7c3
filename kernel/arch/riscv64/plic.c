// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/plic.h"

#include "kernel/arch/riscv64/registers.h"
#include "kernel/object/interrupt.h"
#include "kernel/sched/spinlock.h"

#define PLIC_PRIORITY(irq) (4ul * (irq))
#define PLIC_ENABLE(context, irq) (0x2000ul + 0x80ul * (context) + 4ul * ((irq) / 32))
#define PLIC_THRESHOLD(context) (0x200000ul + 0x1000ul * (context))
#define PLIC_CLAIM(context) (0x200004ul + 0x1000ul * (context))
#define PRIORITY_NEVER 0u
#define PRIORITY_LOWEST 1u

static struct {
	struct spinlock lock;  // LOCK_RANK_IRQ_CHIP, guards the enable registers
	uintptr_t regs;
	uint32_t context;
} plic;

void plic_init(uintptr_t regs, uint32_t num_irqs, const uint32_t *contexts, uint32_t num_contexts)
{
	spinlock_init(&plic.lock, LOCK_RANK_IRQ_CHIP);
	plic.regs = regs;
	plic.context = contexts[0];
	// What ran before us may have left lines enabled: each would be claimed by whichever
	// context comes first.
	for (uint32_t i = 0; i < num_contexts; i++) {
		for (uint32_t irq = 0; irq <= num_irqs; irq += 32)
			register_write(regs + PLIC_ENABLE(contexts[i], irq), 0);
	}
	register_write(regs + PLIC_THRESHOLD(plic.context), 0);
}

static void plic_handle(void)
{
	uint32_t irq;

	while ((irq = register_read(plic.regs + PLIC_CLAIM(plic.context))) != 0) {
		// The claim before what the line's owner does to its device. Pairs with
		// plic_unmask().
		fence_io();
		interrupt_fired(irq);
	}
}

// The next hart's accesses to the registers come after this one's.
static void unlock(void)
{
	fence_io();
	spin_unlock(&plic.lock);
}

// Completes what was claimed and never completed, by a driver that ended or by what ran before us.
// Only a completion by a context that has the line enabled counts (chapter "Interrupt Completion");
// at priority 0 the line is not claimed anew meanwhile. The lock is held. Returns the line's enable
// register, with the line's bit set in it.
static uintptr_t complete_locked(uint32_t irq)
{
	uintptr_t enable = plic.regs + PLIC_ENABLE(plic.context, irq);

	register_write(plic.regs + PLIC_PRIORITY(irq), PRIORITY_NEVER);
	register_write(enable, register_read(enable) | 1u << irq % 32);
	register_write(plic.regs + PLIC_CLAIM(plic.context), irq);
	return enable;
}

static error_t plic_enable(uint32_t irq)
{
	spin_lock(&plic.lock);
	complete_locked(irq);
	register_write(plic.regs + PLIC_PRIORITY(irq), PRIORITY_LOWEST);
	unlock();
	return 0;
}

static void plic_unmask(uint32_t irq)
{
	// What the driver did to its device, so that the line is low, before the line counts again.
	// Pairs with plic_handle().
	fence_io();
	register_write(plic.regs + PLIC_CLAIM(plic.context), irq);
}

static void plic_disable(uint32_t irq)
{
	uintptr_t enable;

	spin_lock(&plic.lock);
	enable = complete_locked(irq);
	register_write(enable, register_read(enable) & ~(1u << irq % 32));
	unlock();
}

const struct irq_chip plic_chip = {
	.name = "PLIC",
	.enable = plic_enable,
	.unmask = plic_unmask,
	.disable = plic_disable,
	.handle = plic_handle,
};
