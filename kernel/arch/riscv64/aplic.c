// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/aplic.h"

#include "kernel/arch/riscv64/imsic.h"
#include "kernel/arch/riscv64/registers.h"
#include "kernel/object/interrupt.h"
#include "kernel/arch/riscv64/machine.h"

// AIA 4.5, "Memory-mapped control region for an interrupt domain"
#define DOMAINCFG 0x0000ul
#define DOMAINCFG_IE (1u << 8)
#define DOMAINCFG_DM (1u << 2)
#define SOURCECFG(irq) (0x0004ul + 4ul * ((irq)-1))
#define SOURCECFG_INACTIVE 0u
#define SOURCECFG_RISING 4u
#define SOURCECFG_FALLING 5u
#define SOURCECFG_HIGH 6u
#define SOURCECFG_LOW 7u
#define SETIPNUM 0x1cdcul
#define IN_CLRIP(irq) (0x1d00ul + 4ul * ((irq) / 32))
#define SETIENUM 0x1edcul
#define CLRIE(irq) (0x1f00ul + 4ul * ((irq) / 32))
#define CLRIENUM 0x1fdcul
#define TARGET(irq) (0x3004ul + 4ul * ((irq)-1))
#define TARGET_HART_SHIFT 18
#define TARGET_PRIORITY 1u
// AIA 4.8.1, "Interrupt delivery control"
#define IDC(hart) (0x4000ul + 32ul * (hart))
#define IDC_IDELIVERY 0x00ul
#define IDC_ITHRESHOLD 0x08ul
#define IDC_CLAIMI 0x1cul
#define CLAIMI_IRQ_SHIFT 16

static struct {
	uintptr_t regs;
	bool msi;
	uint32_t hart;
	// Lines that are not edges; written before the line is enabled.
	uint32_t level[INTERRUPT_MAX / 32];
} aplic;

static void aplic_write(uintptr_t offset, uint32_t value)
{
	register_write(aplic.regs + offset, value);
}

static uint32_t aplic_read(uintptr_t offset)
{
	return register_read(aplic.regs + offset);
}

bool aplic_init(uintptr_t regs, uint32_t num_irqs, bool msi, const uint32_t *harts,
                uint32_t num_harts)
{
	uint32_t wanted = DOMAINCFG_IE | (msi ? DOMAINCFG_DM : 0);

	aplic.regs = regs;
	aplic.msi = msi;
	aplic.hart = harts[0];
	aplic_write(DOMAINCFG, 0);
	for (uint32_t irq = 0; irq <= num_irqs; irq += 32)
		aplic_write(CLRIE(irq), UINT32_MAX);
	for (uint32_t irq = 1; irq <= num_irqs; irq++)
		aplic_write(SOURCECFG(irq), SOURCECFG_INACTIVE);
	for (uint32_t i = 0; i < num_harts && !msi; i++) {
		aplic_write(IDC(harts[i]) + IDC_ITHRESHOLD, 0);
		aplic_write(IDC(harts[i]) + IDC_IDELIVERY, i == 0);
	}
	aplic_write(DOMAINCFG, wanted);
	// A domain may have one of the two modes only.
	return (aplic_read(DOMAINCFG) & (DOMAINCFG_IE | DOMAINCFG_DM)) == wanted;
}

static bool is_level(uint32_t irq)
{
	return (aplic.level[irq / 32] >> irq % 32 & 1) != 0;
}

// How the device tree says that the line speaks; a line that it says nothing of is high while there
// is something to do.
static uint32_t source_mode(uint32_t irq)
{
	switch (machine_irq_trigger(irq)) {
	case DEVICE_IRQ_RISING: return SOURCECFG_RISING;
	case DEVICE_IRQ_FALLING: return SOURCECFG_FALLING;
	case DEVICE_IRQ_LOW: return SOURCECFG_LOW;
	default: return SOURCECFG_HIGH;
	}
}

static void aplic_mask(uint32_t irq)
{
	aplic_write(CLRIENUM, irq);
	// The mask before what the line's owner does to its device. Pairs with aplic_unmask().
	fence_io();
}

static void aplic_unmask(uint32_t irq)
{
	// What the driver did to its device, so that the line is low, before the line counts again.
	// Pairs with aplic_mask().
	fence_io();
	// In MSI mode a line that is high is pending only from a rise on (AIA 4.7): one that has
	// stayed high is told by hand. One that rises after this look is pending by itself.
	if (aplic.msi && is_level(irq) && (aplic_read(IN_CLRIP(irq)) >> irq % 32 & 1) != 0)
		aplic_write(SETIPNUM, irq);
	aplic_write(SETIENUM, irq);
}

static error_t aplic_enable(uint32_t irq)
{
	uint32_t mode = source_mode(irq);
	uint32_t bit = 1u << irq % 32;

	aplic_write(SOURCECFG(irq), mode);
	// The root domain, that is the firmware, has not handed the line down (AIA 4.5.2).
	if (aplic_read(SOURCECFG(irq)) != mode)
		return ERR_NOT_SUPPORTED;
	if (mode == SOURCECFG_HIGH || mode == SOURCECFG_LOW)
		__atomic_fetch_or(&aplic.level[irq / 32], bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&aplic.level[irq / 32], ~bit, __ATOMIC_RELAXED);
	aplic_write(TARGET(irq),
	            aplic.hart << TARGET_HART_SHIFT | (aplic.msi ? irq : TARGET_PRIORITY));
	aplic_unmask(irq);
	return 0;
}

static void aplic_disable(uint32_t irq)
{
	aplic_write(CLRIENUM, irq);
	// Forgets that it was pending, too.
	aplic_write(SOURCECFG(irq), SOURCECFG_INACTIVE);
}

static void aplic_handle_direct(void)
{
	uint32_t claim;

	// A line that is high stays pending: it is masked before the next look.
	while ((claim = aplic_read(IDC(aplic.hart) + IDC_CLAIMI)) != 0) {
		aplic_mask(claim >> CLAIMI_IRQ_SHIFT);
		interrupt_fired(claim >> CLAIMI_IRQ_SHIFT);
	}
}

static void aplic_handle_msi(void)
{
	uint32_t irq;

	while ((irq = imsic_claim()) != 0) {
		aplic_mask(irq);
		interrupt_fired(irq);
	}
}

const struct irq_chip aplic_chip = {
	.name = "APLIC",
	.enable = aplic_enable,
	.unmask = aplic_unmask,
	.disable = aplic_disable,
	.handle = aplic_handle_direct,
};

const struct irq_chip aplic_msi_chip = {
	.name = "APLIC and IMSIC",
	.enable = aplic_enable,
	.unmask = aplic_unmask,
	.disable = aplic_disable,
	.handle = aplic_handle_msi,
};
