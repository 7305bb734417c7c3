// SPDX-License-Identifier: MIT
//
// Which hart takes the lines, also when a hart before it does not come.
#include "kernel/arch/riscv64/irq_chip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/aplic.h"
#include "kernel/arch/riscv64/imsic.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/arch/riscv64/plic.h"
#include "kernel/debug/log.h"
#include "kernel/mm/vmap.h"
#include "kernel/sched/sched.h"

struct machine machine;
struct hart harts[MAX_HARTS];
uint32_t num_harts;
const struct irq_chip plic_chip, aplic_chip, aplic_msi_chip;
static uint32_t target;  // that the APLIC was told
static bool took;        // what the last hart's IMSIC was told

void klog(enum log_level level, const char *format, ...)
{
	(void)level;
	fail_msg("%s", format);
}

error_t vmap_reserve(size_t size, size_t align, uintptr_t *out)
{
	(void)size;
	*out = align;
	return 0;
}

error_t vmap_map(uintptr_t addr, paddr_t paddr, size_t size, uint32_t prot)
{
	(void)addr;
	(void)paddr;
	(void)size;
	(void)prot;
	return 0;
}

void plic_init(uintptr_t regs, uint32_t num_irqs, const uint32_t *contexts, uint32_t num_contexts)
{
	(void)regs;
	(void)num_irqs;
	(void)contexts;
	(void)num_contexts;
	fail_msg("there is no PLIC");
}

bool aplic_init(uintptr_t regs, uint32_t num_irqs, bool msi, const uint32_t *targets,
                uint32_t num_targets)
{
	(void)regs;
	(void)num_irqs;
	assert_true(msi);
	assert_int_equal(num_targets, 2);
	target = targets[0];
	return true;
}

void imsic_init_hart(bool takes, uint32_t num_ids)
{
	assert_int_equal(num_ids, 127);
	took = takes;
}

static bool takes(uint32_t hart)
{
	irq_chip_init_hart(&harts[hart]);
	return took;
}

// The boot hart has no interrupt file; hart 1 does not come, and hart 2 gets its place.
static void test_the_taker_moves_up(void **state)
{
	(void)state;
	num_harts = 4;
	for (uint32_t i = 0; i < num_harts; i++)
		harts[i].id = i;
	for (uint32_t i = 2; i < num_harts; i++) {
		harts[i].arch.irq_target = i;
		harts[i].arch.has_irq_target = true;
	}
	machine.irq_chip = (struct machine_irq_chip){ .kind = IRQ_CHIP_APLIC_MSI,
		                                      .size = 0x8000,
		                                      .num_irqs = 60,
		                                      .num_ids = 127 };
	irq_chip_init();
	assert_int_equal(target, 2);
	assert_false(took);
	for (uint32_t i = 1; i < 3; i++)
		harts[i].arch = harts[i + 1].arch;
	assert_true(takes(1));
	assert_false(takes(2));
	assert_false(takes(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_taker_moves_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
