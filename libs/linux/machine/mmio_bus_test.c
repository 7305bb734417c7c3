// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/linux/machine/mmio_bus.h"

static uint64_t last_offset, last_value;

static uint64_t read_reg(void *context, uint64_t offset, uint32_t width)
{
	(void)width;
	last_offset = offset;
	return (uint64_t)(uintptr_t)context;
}

static void write_reg(void *context, uint64_t offset, uint32_t width, uint64_t value)
{
	(void)context;
	(void)width;
	last_offset = offset;
	last_value = value;
}

static const struct mmio_ops ops = { .read = read_reg, .write = write_reg };

static void add(struct mmio_bus *bus, gpa_t start, uint64_t size, uintptr_t id)
{
	assert_int_equal(mmio_bus_add(bus, start, size, &ops, (void *)id), 0);
}

static void test_lookup(void **state)
{
	struct mmio_bus bus = { 0 };
	uint64_t value = 0;

	(void)state;
	add(&bus, 0x3000, 0x1000, 3);
	add(&bus, 0x1000, 0x1000, 1);
	add(&bus, 0x2000, 0x800, 2);
	assert_int_equal(mmio_bus_read(&bus, 0x1000, 4, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(mmio_bus_read(&bus, 0x27f8, 8, &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(last_offset, 0x7f8);
	assert_int_equal(mmio_bus_write(&bus, 0x3ffc, 4, 77), 0);
	assert_int_equal(last_value, 77);
	assert_int_equal(mmio_bus_read(&bus, 0x2800, 1, &value), ERR_ADDRESS);
	assert_int_equal(mmio_bus_read(&bus, 0xfff, 1, &value), ERR_ADDRESS);
	assert_int_equal(mmio_bus_read(&bus, 0x4000, 1, &value), ERR_ADDRESS);
	assert_int_equal(mmio_bus_read(&bus, UINT64_MAX, 1, &value), ERR_ADDRESS);
	assert_int_equal(mmio_bus_read(&bus, 0x1002, 4, &value), ERR_INVALID);
	assert_int_equal(mmio_bus_read(&bus, 0x1000, 3, &value), ERR_INVALID);
	assert_int_equal(mmio_bus_read(&bus, 0x1000, 0, &value), ERR_INVALID);
	assert_int_equal(mmio_bus_write(&bus, 0x1000, 16, 0), ERR_INVALID);
}

static void test_add(void **state)
{
	struct mmio_bus bus = { 0 };

	(void)state;
	add(&bus, 0x1000, 0x1000, 1);
	assert_int_equal(mmio_bus_add(&bus, 0x1fff, 1, &ops, NULL), ERR_EXISTS);
	assert_int_equal(mmio_bus_add(&bus, 0x800, 0x801, &ops, NULL), ERR_EXISTS);
	assert_int_equal(mmio_bus_add(&bus, 0x1000, 1, &ops, NULL), ERR_EXISTS);
	assert_int_equal(mmio_bus_add(&bus, 0x5000, 0, &ops, NULL), ERR_RANGE);
	assert_int_equal(mmio_bus_add(&bus, UINT64_MAX, 2, &ops, NULL), ERR_RANGE);
	for (uint64_t i = 1; i < MMIO_BUS_MAX_REGIONS; i++)
		add(&bus, 0x10000 + i * 0x1000, 0x1000, 2);
	assert_int_equal(mmio_bus_add(&bus, 0x900000, 1, &ops, NULL), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
