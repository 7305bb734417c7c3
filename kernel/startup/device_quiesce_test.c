// SPDX-License-Identifier: MIT
#include "kernel/startup/device_quiesce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/debug/log.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/process.h"

#define STATUS 0x70u
#define NUM_FAKES 4u
#define FAKE_BASE 0x10000000ul
#define VMAP_BASE 0x40000000ul

struct device devices[MAX_DEVICES];
size_t num_devices;

// The registers of the n-th device lie at VMAP_BASE + its offset from FAKE_BASE.
static struct {
	uint32_t status;
	uint32_t reads_until_reset;  // a read that finds 0 here says that the device is reset
	uint32_t writes;
} fakes[NUM_FAKES];
static unsigned mappings;
static error_t map_error;
static unsigned logged;

static size_t fake_of(uintptr_t address)
{
	assert_true(address >= VMAP_BASE);
	assert_int_equal(address % PAGE_SIZE, STATUS);
	assert_true((address - VMAP_BASE) / PAGE_SIZE < NUM_FAKES);
	return (address - VMAP_BASE) / PAGE_SIZE;
}

uint32_t device_fake_read(uintptr_t address);
void device_fake_write(uintptr_t address, uint32_t value);

uint32_t device_fake_read(uintptr_t address)
{
	size_t i = fake_of(address);

	if (fakes[i].writes > 0 && fakes[i].reads_until_reset-- == 0)
		fakes[i].status = 0;
	return fakes[i].status;
}

void device_fake_write(uintptr_t address, uint32_t value)
{
	size_t i = fake_of(address);

	assert_int_equal(value, 0);
	fakes[i].writes++;
}

error_t vmap_reserve(size_t size, size_t align, uintptr_t *out)
{
	assert_int_equal(size, PAGE_SIZE);
	assert_int_equal(align, PAGE_SIZE);
	*out = 0;  // known once it is mapped
	return 0;
}

// The one address that a mapping may have is told by the device that it is of.
error_t vmap_map(uintptr_t addr, paddr_t paddr, size_t size, uint32_t prot)
{
	(void)addr;
	assert_int_equal(paddr % PAGE_SIZE, 0);
	assert_int_equal(size, PAGE_SIZE);
	assert_int_equal(prot, VMAP_READ | VMAP_WRITE | VMAP_DEVICE);
	mappings++;
	return map_error;
}

void vmap_release(uintptr_t addr, size_t size)
{
	(void)addr;
	(void)size;
	mappings--;
}

void klog(enum log_level level, const char *format, ...)
{
	(void)format;
	assert_int_equal(level, LOG_ERROR);
	logged++;
}

static int setup(void **state)
{
	(void)state;
	memset(devices, 0, sizeof(devices));
	memset(fakes, 0, sizeof(fakes));
	mappings = 0;
	map_error = 0;
	logged = 0;
	num_devices = NUM_FAKES;
	for (size_t i = 0; i < NUM_FAKES; i++) {
		strcpy(devices[i].compatible[0], "virtio,device1");
		strcpy(devices[i].compatible[1], "virtio,mmio");
		devices[i].num_compatible = 2;
		devices[i].reg_base = FAKE_BASE + i * PAGE_SIZE;
		devices[i].reg_size = 0x200;
		fakes[i].status = 15;
	}
	return 0;
}

// device_give, with the registers where the fakes are.
static void give(size_t i, struct process *process)
{
	assert_int_equal(device_give(&devices[i], process), 0);
	if (mappings > 0)
		devices[i].regs = VMAP_BASE + i * PAGE_SIZE;
}

static void test_only_its_own_are_reset(void **state)
{
	struct process one = { 0 };
	struct process two = { 0 };

	(void)state;
	give(0, &one);
	give(1, &two);
	give(2, &one);
	fakes[2].reads_until_reset = 20;
	assert_ptr_equal(one.quiesce, devices_quiesce);
	assert_true(one.quiesce(&one));
	assert_int_equal(fakes[0].status, 0);
	assert_int_equal(fakes[1].status, 15);
	assert_int_equal(fakes[2].status, 0);
	assert_int_equal(fakes[3].writes, 0);
	// They are not the process's any more.
	assert_null(devices[0].user);
	assert_true(devices_quiesce(&one));
	assert_int_equal(fakes[0].writes, 1);
	assert_ptr_equal(devices[1].user, &two);
	assert_int_equal(logged, 0);
}

static void test_given_again_after_a_restart(void **state)
{
	struct process one = { 0 };
	struct process two = { 0 };

	(void)state;
	give(0, &one);
	assert_true(devices_quiesce(&one));
	mappings = 0;
	assert_int_equal(device_give(&devices[0], &two), 0);
	assert_int_equal(mappings, 0);  // it still has its registers
	fakes[0].status = 7;
	fakes[0].reads_until_reset = 0;
	assert_true(devices_quiesce(&two));
	assert_int_equal(fakes[0].status, 0);
	assert_int_equal(fakes[0].writes, 2);
}

// One that never stops is given up in the end, and the others are stopped all the same.
static void test_one_does_not_stop(void **state)
{
	struct process one = { 0 };

	(void)state;
	give(0, &one);
	give(1, &one);
	fakes[0].reads_until_reset = UINT32_MAX;
	assert_false(devices_quiesce(&one));
	assert_int_equal(logged, 1);
	assert_int_equal(fakes[1].status, 0);
}

static void test_what_is_no_virtio_device_is_left_alone(void **state)
{
	struct process one = { 0 };

	(void)state;
	strcpy(devices[0].compatible[0], "google,goldfish-rtc");
	devices[0].num_compatible = 1;
	devices[1].reg_size = 0x60;
	give(0, &one);
	give(1, &one);
	assert_int_equal(mappings, 0);
	assert_true(devices_quiesce(&one));
}

static void test_no_memory_for_the_registers(void **state)
{
	struct process one = { 0 };

	(void)state;
	map_error = ERR_NO_MEMORY;
	assert_int_equal(device_give(&devices[0], &one), ERR_NO_MEMORY);
	assert_int_equal(mappings, 0);
	assert_null(devices[0].user);
	assert_int_equal(devices[0].regs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_only_its_own_are_reset, setup),
		cmocka_unit_test_setup(test_given_again_after_a_restart, setup),
		cmocka_unit_test_setup(test_one_does_not_stop, setup),
		cmocka_unit_test_setup(test_what_is_no_virtio_device_is_left_alone, setup),
		cmocka_unit_test_setup(test_no_memory_for_the_registers, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
