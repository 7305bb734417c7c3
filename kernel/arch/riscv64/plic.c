// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/plic.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/log.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/interrupt.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/device_tree.h"

#define PLIC_PRIORITY(irq) (4ul * (irq))
#define PLIC_ENABLE(context, irq) (0x2000ul + 0x80ul * (context) + 4ul * ((irq) / 32))
#define PLIC_THRESHOLD(context) (0x200000ul + 0x1000ul * (context))
#define PLIC_CLAIM(context) (0x200004ul + 0x1000ul * (context))

static struct {
	struct spinlock lock;  // LOCK_RANK_IRQ_CHIP, guards the enable registers
	uintptr_t base;        // 0: there is none
	uint32_t context;
} plic;

static volatile uint32_t *reg(uintptr_t offset)
{
	return (volatile uint32_t *)(plic.base + offset);
}

void plic_init(void)
{
	uintptr_t base;

	spinlock_init(&plic.lock, LOCK_RANK_IRQ_CHIP);
	if (machine.plic == 0 || !harts[0].arch.has_plic)
		return;
	if (vmap_reserve(machine.plic_size, PAGE_SIZE, &base) != 0 ||
	    vmap_map(base, machine.plic, machine.plic_size, VMAP_READ | VMAP_WRITE | VMAP_DEVICE) != 0) {
		kerror("plic: no memory to map its registers: devices cannot interrupt");
		return;
	}
	plic.base = base;
	plic.context = harts[0].arch.plic_context;
	*reg(PLIC_THRESHOLD(plic.context)) = 0;
}

void plic_handle(void)
{
	uint32_t irq;

	if (plic.base == 0)
		return;
	while ((irq = *reg(PLIC_CLAIM(plic.context))) != 0)
		interrupt_fired(irq);
}

// The next hart's accesses to the registers come after this one's.
static void unlock(void)
{
	__asm__ volatile("fence io, iorw" ::: "memory");
	spin_unlock(&plic.lock);
}

error_t arch_irq_enable(uint32_t irq)
{
	if (plic.base == 0)
		return ERR_NOT_SUPPORTED;
	if (irq == 0 || irq > machine.plic_num_irqs)
		return ERR_RANGE;
	spin_lock(&plic.lock);
	*reg(PLIC_PRIORITY(irq)) = 1;
	*reg(PLIC_ENABLE(plic.context, irq)) |= 1u << irq % 32;
	unlock();
	return 0;
}

void arch_irq_unmask(uint32_t irq)
{
	*reg(PLIC_CLAIM(plic.context)) = irq;
}

void arch_irq_disable(uint32_t irq)
{
	spin_lock(&plic.lock);
	// A claim that was never completed would keep the line shut after the next enable, and only an enabled line
	// can be completed.
	*reg(PLIC_CLAIM(plic.context)) = irq;
	*reg(PLIC_ENABLE(plic.context, irq)) &= ~(1u << irq % 32);
	unlock();
}
