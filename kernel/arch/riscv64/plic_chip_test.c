// SPDX-License-Identifier: MIT
//
// The PLIC's driver on a PLIC that keeps to the letter of the specification (RISC-V PLIC 1.0.0), as
// not all emulators do.
#include "kernel/arch/riscv64/plic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/registers.h"
#include "kernel/object/interrupt.h"

#define REGS 0x1000u
#define NUM_CONTEXTS 4u
#define NUM_IRQS 64u
#define LINE 37u

// One word of enables would do for NUM_IRQS of 31; there are three.
static struct {
	uint32_t priority[NUM_IRQS + 1];
	uint32_t enable[NUM_CONTEXTS][3];
	uint32_t threshold[NUM_CONTEXTS];
	bool level[NUM_IRQS + 1];
	bool claimed[NUM_IRQS + 1];  // the gateway is shut
} fake;
static uint32_t fired[8];
static unsigned num_fired;
static void (*on_fire)(uint32_t irq);

static bool is_enabled(uint32_t context, uint32_t irq)
{
	return (fake.enable[context][irq / 32] >> irq % 32 & 1) != 0;
}

static uint32_t claim(uint32_t context)
{
	for (uint32_t irq = 1; irq <= NUM_IRQS; irq++) {
		if (fake.level[irq] && !fake.claimed[irq] && is_enabled(context, irq) &&
		    fake.priority[irq] > fake.threshold[context]) {
			fake.claimed[irq] = true;
			return irq;
		}
	}
	return 0;
}

// "If the completion ID does not match an interrupt source that is currently enabled for the
// target, the completion is ignored."
static void complete(uint32_t context, uint32_t irq)
{
	assert_true(irq >= 1 && irq <= NUM_IRQS);
	if (is_enabled(context, irq))
		fake.claimed[irq] = false;
}

static uint32_t *find(uintptr_t offset, uint32_t *context)
{
	*context = UINT32_MAX;
	if (offset < 4ul * (NUM_IRQS + 1))
		return &fake.priority[offset / 4];
	if (offset >= 0x2000 && offset < 0x2000 + 0x80ul * NUM_CONTEXTS) {
		size_t word = (offset - 0x2000) % 0x80 / 4;

		assert_true(word < 3);
		return &fake.enable[(offset - 0x2000) / 0x80][word];
	}
	assert_true(offset >= 0x200000 && offset < 0x200000 + 0x1000ul * NUM_CONTEXTS);
	*context = (uint32_t)(offset - 0x200000) / 0x1000;
	return &fake.threshold[*context];
}

uint32_t register_fake_read(uintptr_t address)
{
	uint32_t context;
	const uint32_t *reg = find(address - REGS, &context);

	return context != UINT32_MAX && (address & 0xfff) == 4 ? claim(context) : *reg;
}

void register_fake_write(uintptr_t address, uint32_t value)
{
	uint32_t context;
	uint32_t *reg = find(address - REGS, &context);

	if (context != UINT32_MAX && (address & 0xfff) == 4)
		complete(context, value);
	else
		*reg = value;
}

void interrupt_fired(uint32_t irq)
{
	assert_true(num_fired < 8);
	fired[num_fired++] = irq;
	if (on_fire != NULL)
		on_fire(irq);
}

static int set_up(void **state)
{
	static const uint32_t contexts[] = { 1, 3 };

	(void)state;
	memset(&fake, 0, sizeof(fake));
	// A loader before us left lines enabled for the other harts, and a threshold.
	memset(fake.enable, 0xff, sizeof(fake.enable));
	fake.threshold[1] = 7;
	num_fired = 0;
	on_fire = NULL;
	plic_init(REGS, NUM_IRQS, contexts, 2);
	return 0;
}

static void test_only_one_hart_takes_lines(void **state)
{
	(void)state;
	assert_int_equal(plic_chip.enable(LINE), 0);
	assert_true(is_enabled(1, LINE));
	assert_false(is_enabled(3, LINE));
	for (size_t word = 0; word < 3; word++)
		assert_int_equal(fake.enable[3][word], 0);
	fake.level[LINE] = true;
	assert_int_equal(claim(3), 0);
	plic_chip.handle();
	assert_int_equal(num_fired, 1);
	assert_int_equal(fired[0], LINE);
}

static void test_a_line_is_masked_until_it_is_unmasked(void **state)
{
	(void)state;
	assert_int_equal(plic_chip.enable(LINE), 0);
	fake.level[LINE] = true;
	plic_chip.handle();
	plic_chip.handle();
	assert_int_equal(num_fired, 1);
	plic_chip.unmask(LINE);
	plic_chip.handle();
	assert_int_equal(num_fired, 2);
}

// Its owner ended between the claim and the interrupt: disabled by the end, and again by the
// interrupt that finds no owner.
static void disable_twice(uint32_t irq)
{
	plic_chip.disable(irq);
	plic_chip.disable(irq);
}

static void test_a_line_lives_on_after_its_driver_died_with_it_claimed(void **state)
{
	(void)state;
	assert_int_equal(plic_chip.enable(LINE), 0);
	fake.level[LINE] = true;
	on_fire = disable_twice;
	plic_chip.handle();
	assert_int_equal(num_fired, 1);
	assert_false(is_enabled(1, LINE));
	assert_false(fake.claimed[LINE]);

	// The same in the other order: the line was disabled, and then claimed by a hart that was
	// on its way.
	fake.claimed[LINE] = true;
	plic_chip.disable(LINE);
	assert_false(fake.claimed[LINE]);

	on_fire = NULL;
	assert_int_equal(plic_chip.enable(LINE), 0);
	plic_chip.handle();
	assert_int_equal(num_fired, 2);
}

static void test_a_line_that_a_loader_never_completed(void **state)
{
	(void)state;
	fake.claimed[LINE] = true;
	fake.level[LINE] = true;
	assert_int_equal(plic_chip.enable(LINE), 0);
	plic_chip.handle();
	assert_int_equal(num_fired, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_only_one_hart_takes_lines, set_up),
		cmocka_unit_test_setup(test_a_line_is_masked_until_it_is_unmasked, set_up),
		cmocka_unit_test_setup(test_a_line_lives_on_after_its_driver_died_with_it_claimed,
		                       set_up),
		cmocka_unit_test_setup(test_a_line_that_a_loader_never_completed, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
