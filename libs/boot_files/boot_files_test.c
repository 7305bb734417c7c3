// SPDX-License-Identifier: MIT
//
// The boot disk's driver dies at each step of a reading: all is read anew from its next life.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libs/boot_files/boot_disk_fake.h"
#include "libs/boot_files/boot_files.h"

#define FILE_MAX 4096u
// What the driver does for a whole reading: it opens the disk, tells its size, and answers for two
// headers and two files.
#define STEPS 6u

static struct loop loop;
static struct boot_files files;
static struct boot_wanted wanted[2];
static handle_t blkdev, session;
static bool is_read;

static void all_read(void *context, error_t error)
{
	(void)context;
	assert_int_equal(error, 0);
	assert_false(is_read);
	is_read = true;
}

// --- The driver ----------------------------------------------------------------------------------

static void disk_open(void)
{
	struct msg_open open;
	const uint8_t *tail;
	struct message m;
	handle_t handle, ends[2];
	size_t len;

	session = fake_provider_accept(blkdev);
	assert_true(fake_take(session, &m, &handle));
	assert_int_equal(message_decode_open(&m, &open, &tail, &len), 0);
	assert_int_equal(channel_create(ends), 0);
	assert_int_equal(open_reply_send(session, open.id, ends[0]), 0);
	boot_driver_begin(ends[1]);
}

static void driver_live(uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		fake_loop_settle(&loop);
		if (i == 0) {
			disk_open();
		} else if (i == 1) {
			boot_driver_say_info(3);
		} else {
			boot_driver_take();
			boot_driver_answer(0);
		}
	}
}

static void driver_die(void)
{
	if (session == HANDLE_NONE)
		session = fake_provider_accept(blkdev);
	fake_close(&session);
	boot_driver_die();
}

static void archive_make(void)
{
	static const uint8_t units[] = { 3, 2, 1 };

	boot_archive_clear();
	for (uint8_t i = 0; i < sizeof(units); i++)
		boot_archive_add(i, &units[i], 1);
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
		blkdev = fake_connector_create();
		wanted[0] = (struct boot_wanted){ .name = "kernel", .max = FILE_MAX };
		wanted[1] = (struct boot_wanted){ .name = "initramfs.cpio", .max = FILE_MAX };
		boot_files_read(&files, &loop, blkdev, wanted, 2, all_read, NULL);
		driver_live(i / 2);
		// With what its client asks next in hand, or before that.
		if (i % 2 == 0)
			fake_loop_settle(&loop);
		boot_driver_take();
		driver_die();
		driver_live(STEPS);
		fake_loop_settle(&loop);
		assert_true(is_read);
		assert_int_equal(wanted[0].size, 48);
		assert_int_equal(wanted[1].size, 32);
		for (size_t file = 0; file < 2; file++)
			fake_close(&wanted[file].folio);
		driver_die();
		assert_int_equal(fake_num_handles(), handles);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_deaths) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
