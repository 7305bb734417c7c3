// SPDX-License-Identifier: MIT
//
// The APLIC's driver on an APLIC domain that keeps to the letter of the AIA specification 1.0,
// chapter 4.
#include "kernel/arch/riscv64/aplic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/imsic.h"
#include "kernel/arch/riscv64/registers.h"
#include "kernel/object/interrupt.h"
#include "kernel/arch/riscv64/machine.h"

#define REGS 0x10000u
#define NUM_IRQS 40u
#define HIGH 33u
#define RISING 5u
#define NOT_OURS 7u
#define HART 2u

uint8_t machine_irq_trigger(uint32_t irq)
{
	return irq == RISING ? DEVICE_IRQ_RISING : 0;
}

static struct {
	uint32_t domaincfg;
	uint32_t modes;  // bits that domaincfg.DM may take: bit 0 direct, bit 1 MSI
	uint32_t source[NUM_IRQS + 1];
	uint32_t target[NUM_IRQS + 1];
	bool input[NUM_IRQS + 1];
	bool pending[NUM_IRQS + 1];
	bool enabled[NUM_IRQS + 1];
	uint32_t idelivery[4];
	uint64_t file;  // the IMSIC's pending identities
} fake;
static uint32_t fired[8];
static unsigned num_fired;

static bool is_msi(void)
{
	return (fake.domaincfg & 4) != 0;
}

static bool is_level(uint32_t irq)
{
	return fake.source[irq] >= 6;
}

static bool is_pending(uint32_t irq)
{
	// 4.7: in direct mode a level's pending bit is its input.
	return is_level(irq) && !is_msi() ? fake.input[irq] : fake.pending[irq];
}

// In MSI mode what is pending and enabled goes out, and is pending no longer.
static void send(uint32_t irq)
{
	if (!is_msi() || (fake.domaincfg & 0x100) == 0 || !fake.enabled[irq] || !fake.pending[irq])
		return;
	fake.pending[irq] = false;
	assert_int_equal(fake.target[irq] >> 18, HART);
	fake.file |= 1ull << (fake.target[irq] & 0x7ff);
}

static void set_input(uint32_t irq, bool level)
{
	bool rises = level && !fake.input[irq];

	fake.input[irq] = level;
	if (fake.source[irq] == 0)
		return;
	if (rises)
		fake.pending[irq] = true;
	else if (is_level(irq) && !level)
		fake.pending[irq] = false;
	send(irq);
}

static uint32_t bits_of(const bool *flags, uintptr_t offset)
{
	uint32_t first = (uint32_t)offset / 4 * 32;
	uint32_t bits = 0;

	for (uint32_t i = 0; i < 32 && first + i <= NUM_IRQS; i++)
		bits |= (uint32_t)flags[first + i] << i;
	return bits;
}

static uint32_t claim(uint32_t hart)
{
	if ((fake.domaincfg & 0x104) != 0x100 || fake.idelivery[hart] == 0)
		return 0;
	for (uint32_t irq = 1; irq <= NUM_IRQS; irq++) {
		if (is_pending(irq) && fake.enabled[irq] && fake.target[irq] >> 18 == hart) {
			fake.pending[irq] = false;
			return irq << 16 | (fake.target[irq] & 0xff);
		}
	}
	return 0;
}

uint32_t register_fake_read(uintptr_t address)
{
	uintptr_t offset = address - REGS;

	if (offset == 0)
		return fake.domaincfg | 0x80000000u;
	if (offset >= 4 && offset < 4 + 4ul * NUM_IRQS)
		return fake.source[offset / 4];
	if (offset >= 0x1d00 && offset < 0x1d08)
		return bits_of(fake.input, offset - 0x1d00);
	assert_int_equal(offset % 32, 0x1c);
	return claim((uint32_t)(offset - 0x4000) / 32);
}

static void write_source(uint32_t irq, uint32_t value)
{
	fake.source[irq] = irq == NOT_OURS ? 0 : value;
	if (fake.source[irq] == 0)
		fake.pending[irq] = fake.enabled[irq] = false;
}

static void write_number(uintptr_t offset, uint32_t irq)
{
	assert_true(irq >= 1 && irq <= NUM_IRQS);
	if (fake.source[irq] == 0)
		return;
	if (offset == 0x1cdc && (!is_level(irq) || (is_msi() && fake.input[irq])))
		fake.pending[irq] = true;
	else if (offset == 0x1edc)
		fake.enabled[irq] = true;
	else if (offset == 0x1fdc)
		fake.enabled[irq] = false;
	send(irq);
}

void register_fake_write(uintptr_t address, uint32_t value)
{
	uintptr_t offset = address - REGS;

	if (offset == 0) {
		fake.domaincfg = value & 0x104;
		if ((fake.modes >> ((value & 4) != 0) & 1) == 0)
			fake.domaincfg ^= 4;
	} else if (offset <= 4ul * NUM_IRQS) {
		write_source((uint32_t)offset / 4, value);
	} else if (offset >= 0x1f00 && offset < 0x1f08) {
		for (uint32_t irq = 0; irq <= NUM_IRQS; irq++)
			fake.enabled[irq] = fake.enabled[irq] &&
				(irq / 32 != (offset - 0x1f00) / 4 || (value >> irq % 32 & 1) == 0);
	} else if (offset >= 0x3004 && offset < 0x3004 + 4ul * NUM_IRQS) {
		fake.target[(offset - 0x3000) / 4] = value;
	} else if (offset >= 0x4000) {
		if (offset % 32 == 0)
			fake.idelivery[(offset - 0x4000) / 32] = value;
	} else {
		write_number(offset, value);
	}
}

uint32_t imsic_claim(void)
{
	uint32_t id;

	if (fake.file == 0)
		return 0;
	id = (uint32_t)__builtin_ctzll(fake.file);
	fake.file &= fake.file - 1;
	return id;
}

void interrupt_fired(uint32_t irq)
{
	assert_true(num_fired < 8);
	fired[num_fired++] = irq;
}

static void set_up(bool msi)
{
	static const uint32_t targets[] = { HART, 1 };

	memset(&fake, 0, sizeof(fake));
	fake.modes = msi ? 2 : 1;
	fake.idelivery[1] = 1;
	// A loader before us left a line active.
	fake.source[HIGH] = 6;
	fake.enabled[HIGH] = true;
	fake.target[HIGH] = 1 << 18 | 1;
	num_fired = 0;
	assert_true(aplic_init(REGS, NUM_IRQS, msi, targets, 2));
	assert_false(fake.enabled[HIGH]);
	assert_int_equal(fake.idelivery[1], !msi ? 0 : 1);
}

static const struct irq_chip *chip_of(bool msi)
{
	return msi ? &aplic_msi_chip : &aplic_chip;
}

static void check_level(bool msi)
{
	const struct irq_chip *chip = chip_of(msi);

	set_up(msi);
	// High before it is enabled: there is no rise to come.
	set_input(HIGH, true);
	assert_int_equal(chip->enable(HIGH), 0);
	chip->handle();
	assert_int_equal(num_fired, 1);
	assert_int_equal(fired[0], HIGH);

	// Masked until it is unmasked, whatever the line does meanwhile; then high still means
	// high.
	set_input(HIGH, false);
	set_input(HIGH, true);
	chip->handle();
	assert_int_equal(num_fired, 1);
	chip->unmask(HIGH);
	chip->handle();
	assert_int_equal(num_fired, 2);

	// Low by the time that it is unmasked: nothing to do.
	set_input(HIGH, false);
	chip->unmask(HIGH);
	chip->handle();
	assert_int_equal(num_fired, 2);
	set_input(HIGH, true);
	chip->handle();
	assert_int_equal(num_fired, 3);

	// Its owner ends without unmasking it. The next one starts afresh.
	chip->disable(HIGH);
	chip->handle();
	assert_int_equal(num_fired, 3);
	assert_int_equal(chip->enable(HIGH), 0);
	chip->handle();
	assert_int_equal(num_fired, 4);
}

static void test_level_direct(void **state)
{
	(void)state;
	check_level(false);
}

static void test_level_msi(void **state)
{
	(void)state;
	check_level(true);
}

static void check_edge(bool msi)
{
	const struct irq_chip *chip = chip_of(msi);

	set_up(msi);
	assert_int_equal(chip->enable(RISING), 0);
	set_input(RISING, true);
	chip->handle();
	chip->handle();
	assert_int_equal(num_fired, 1);
	// A level that has stayed is not an edge.
	chip->unmask(RISING);
	chip->handle();
	assert_int_equal(num_fired, 1);
	// An edge while the line is masked is not lost.
	set_input(RISING, false);
	set_input(RISING, true);
	chip->handle();
	assert_int_equal(num_fired, 2);
	set_input(RISING, false);
	set_input(RISING, true);
	chip->handle();
	assert_int_equal(num_fired, 2);
	chip->unmask(RISING);
	chip->handle();
	assert_int_equal(num_fired, 3);
}

static void test_edge(void **state)
{
	(void)state;
	check_edge(false);
	check_edge(true);
}

static void test_what_the_domain_does_not_have(void **state)
{
	static const uint32_t targets[] = { HART };

	(void)state;
	set_up(false);
	assert_int_equal(aplic_chip.enable(NOT_OURS), ERR_NOT_SUPPORTED);
	assert_false(aplic_init(REGS, NUM_IRQS, true, targets, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_direct),
		cmocka_unit_test(test_level_msi),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_what_the_domain_does_not_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
