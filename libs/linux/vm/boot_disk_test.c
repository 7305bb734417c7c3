// SPDX-License-Identifier: MIT
//
// The boot disk's driver dies at each step of a reading: what its owner is told, and that all is
// read anew from the driver's next life. Disk, loader, directory and loop are the real ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libs/linux/vm/boot_disk.h"
#include "libs/boot_files/boot_disk_fake.h"
#include "libs/starina/alloc.h"
#include "libs/starina/clients_fake.h"

#define CONFIG_BYTES 80u
// What the driver says for a whole reading: the size, four headers and a file.
#define STEPS 6u

static struct loop loop;
static struct disk disk;
static struct boot_disk boot;
static uint8_t *config;
static bool is_read;
static uint32_t num_gone;

// --- The owner, as linuxrun is one ---------------------------------------------------------------

static void config_read(void *context, error_t status)
{
	(void)context;
	if (!disk.ready)
		return;
	assert_int_equal(status, 0);
	is_read = true;
}

static void directory_read(void *context, const char *error)
{
	(void)context;
	if (!disk.ready)
		return;
	assert_null(error);
	assert_int_equal(
		boot_disk_read_file(&boot, &boot.config, CONFIG_BYTES, &config, config_read, NULL),
		0);
}

static void disk_is_ready(void *context)
{
	(void)context;
	boot_disk_read(&boot, &disk, directory_read, NULL);
}

static void config_free(void)
{
	heap_free(config);
	config = NULL;
}

static void disk_has_failed(void *context, error_t error)
{
	(void)context;
	assert_int_equal(error, ERR_PEER_CLOSED);
	assert_false(is_read);
	config_free();
	num_gone++;
}

static const struct disk_ops ops = { .ready = disk_is_ready, .failed = disk_has_failed };

static void disk_open(void)
{
	handle_t ends[2];

	assert_int_equal(channel_create(ends), 0);
	assert_int_equal(disk_init(&disk, &loop, ends[0], &ops, NULL), 0);
	boot_driver_begin(ends[1]);
}

// --- The driver ----------------------------------------------------------------------------------

static void driver_step(uint32_t step)
{
	if (step == 0) {
		boot_driver_say_info(3);
		return;
	}
	boot_driver_take();
	boot_driver_answer(0);
}

static void archive_make(void)
{
	static const uint8_t units[] = { 3, 2, 1, CONFIG_BYTES / 16 };

	boot_archive_clear();
	for (uint8_t i = 0; i < sizeof(units); i++)
		boot_archive_add(i, &units[i], 1);
}

// A driver that says so many things, then dies: `at_once`, so that what its client asks for next
// comes too late, or with that request in hand.
static void driver_live(uint32_t steps, bool at_once)
{
	for (uint32_t i = 0; i < steps; i++) {
		fake_loop_settle(&loop);
		driver_step(i);
	}
	if (!at_once)
		fake_loop_settle(&loop);
	boot_driver_take();
	boot_driver_die();
	fake_loop_settle(&loop);
}

static void test_deaths(void **state)
{
	size_t handles;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	handles = fake_num_handles();
	archive_make();
	for (uint32_t i = 0; i < 2 * STEPS; i++) {
		is_read = false;
		num_gone = 0;
		disk_open();
		driver_live(i / 2, i % 2 == 0);
		assert_int_equal(num_gone, 1);
		disk_open();
		for (uint32_t step = 0; step < STEPS; step++) {
			fake_loop_settle(&loop);
			driver_step(step);
		}
		fake_loop_settle(&loop);
		assert_true(is_read);
		assert_int_equal(boot.kernel.size, 48);
		assert_int_equal(boot.initramfs.size, 32);
		assert_int_equal(boot.config.size, CONFIG_BYTES);
		config_free();
		disk_deinit(&disk);
		boot_driver_die();
		assert_int_equal(fake_num_handles(), handles);
		assert_int_equal(fake_num_allocated(), 0);
	}
}

static void never(void *context, error_t status)
{
	(void)context;
	(void)status;
	fail();
}

// A virtual machine that begins while the driver restarts reads once the size is known: that it is
// not is no size of 0.
static void test_no_size_yet(void **state)
{
	struct loader loader;
	uint8_t bytes[512];
	struct mut_span target = { .data = bytes, .len = sizeof(bytes) };

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	archive_make();
	is_read = false;
	disk_open();
	driver_live(STEPS - 1, false);
	assert_int_equal(loader_start(&loader, &disk, 0, 512, target, never, NULL), ERR_NOT_READY);
	disk_open();
	fake_loop_settle(&loop);
	assert_int_equal(loader_start(&loader, &disk, 0, 512, target, never, NULL), ERR_NOT_READY);
	driver_step(0);
	fake_loop_settle(&loop);
	assert_int_equal(loader_start(&loader, &disk, 1ull << 40, 512, target, never, NULL),
	                 ERR_RANGE);
	config_free();
	disk_deinit(&disk);
	boot_driver_die();
}

static uint32_t num_over;

static void over(void *context, error_t status)
{
	*(error_t *)context = status;
	num_over++;
}

// Machines that begin together fill the disk's queue: who has got a part of it goes on with that,
// and who has got none is told.
static void test_full_queue(void **state)
{
	static uint8_t bytes[LOADER_DEPTH * LOADER_PIECE];
	struct mut_span target = { .data = bytes, .len = sizeof(bytes) };
	struct loader loaders[BLKDEV_MAX_REQUESTS / LOADER_DEPTH + 1], one;
	error_t ends[BLKDEV_MAX_REQUESTS / LOADER_DEPTH + 1], end;
	size_t last = BLKDEV_MAX_REQUESTS / LOADER_DEPTH;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	archive_make();
	is_read = false;
	disk_open();
	fake_loop_settle(&loop);
	driver_step(0);
	fake_loop_settle(&loop);
	disk.num_sectors = 1u << 20;
	// What reads the archive has one of the requests.
	for (size_t i = 0; i < last; i++)
		assert_int_equal(
			loader_start(&loaders[i], &disk, 0, sizeof(bytes), target, over, &ends[i]),
			0);
	assert_int_equal(loaders[0].in_flight, LOADER_DEPTH);
	assert_int_equal(loaders[last - 1].in_flight, LOADER_DEPTH - 1);
	assert_int_equal(loader_start(&one, &disk, 0, 512, target, over, &end), ERR_FULL);
	assert_int_equal(num_over, 0);
	// All of them hear of the driver's end.
	boot_driver_die();
	fake_loop_settle(&loop);
	assert_int_equal(num_over, last);
	assert_int_equal(ends[last - 1], ERR_PEER_CLOSED);
	config_free();
	disk_deinit(&disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_deaths),
		                            cmocka_unit_test(test_no_size_yet),
		                            cmocka_unit_test(test_full_queue) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
