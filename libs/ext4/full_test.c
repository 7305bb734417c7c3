// SPDX-License-Identifier: MIT
//
// Full disks: what was just removed is there at once for what comes next, before any sync; and ones
// whose bitmaps tell lies. e2fsck is the judge.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/volume_fake.h"

static const struct ext4_node root = { EXT4_ROOT_INODE, 0 };
static struct volume v;

static int make(uint32_t number, uint32_t mode, struct ext4_node *out)
{
	struct ext4_new what = { .mode = mode };
	struct ext4_attr attr = { 0 };
	char name[30];
	int status;

	snprintf(name, sizeof(name), "file-%u", number);
	status = VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                    ext4_create(&v.u, root, text_span(name), &what, &attr));
	*out = attr.node;
	return status;
}

static void removes(uint32_t number)
{
	struct ext4_attr attr;
	char name[30];

	snprintf(name, sizeof(name), "file-%u", number);
	assert_int_equal(
		VOLUME_RUN(&v, EXT4_CREDITS_NAMES, ext4_unlink(&v.u, root, text_span(name), &attr)),
		0);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_release(&v.u, attr.node)), 0);
}

// Adds up to `count` blocks from `block` on. Gives how many, or a negative LINUX_E*.
static int add(struct ext4_node node, uint32_t block, uint32_t count)
{
	struct ext4_reservation r = { .count = 0 };
	int status = VOLUME_RUN(&v, 0, ext4_reserve(&v.u, node, block, count, &r));

	if (status != 0)
		return status;
	count = r.count;
	status = VOLUME_RUN(&v, EXT4_CREDITS_EXTEND,
	                    ext4_extend(&v.u, node, block, &r, count, false,
	                                (block + (uint64_t)count) * EXT4_BLOCK_SIZE));
	if (status == 0)
		ext4_reservation_used(v.fs, &r, count);
	else
		ext4_unreserve(v.fs, &r);
	return status != 0 ? status : (int)count;
}

// Files of 16 blocks, until there is no room for one more block. Gives how many.
static uint32_t fill(void)
{
	for (uint32_t number = 0;; number++) {
		struct ext4_node node;
		int status = make(number, 0100644, &node);

		for (uint32_t block = 0; status >= 0 && block < 16; block += (uint32_t)status)
			status = add(node, block, 16 - block);
		if (status >= 0)
			continue;
		assert_int_equal(status, -LINUX_ENOSPC);
		return number;
	}
}

static void what_was_removed_is_room_for_data_at_once(void **state)
{
	uint32_t last;

	(void)state;
	volume_create(&v, 4096, "-t ext4 -b 4096 -m 0 -J size=4 $f");
	last = fill();
	for (uint32_t i = 0; i < last; i += 3) {
		struct ext4_node node;
		int count;

		removes(i);
		assert_int_equal(make(last + 1 + i, 0100644, &node), 0);
		for (uint32_t block = 0; block < 16; block += (uint32_t)count) {
			count = add(node, block, 16 - block);
			assert_true(count > 0);
		}
	}
	volume_destroy(&v);
}

// A folder takes a block of metadata, in the very update that makes it.
static void what_was_removed_is_room_for_folders_at_once(void **state)
{
	struct ext4_node node;
	uint32_t last;

	(void)state;
	volume_create(&v, 4096, "-t ext4 -b 4096 -m 0 -N 4096 -J size=4 $f");
	last = fill();
	for (uint32_t i = 0; i < last; i += 3) {
		removes(i);
		// The root's own names may take some, too.
		for (uint32_t k = 0; k < 12; k++)
			assert_int_equal(make(100000 + 16 * i + k, 0040755, &node), 0);
	}
	volume_destroy(&v);
}

static void what_was_removed_is_an_inode_at_once(void **state)
{
	struct ext4_node node;
	uint32_t last = 0;
	int status;

	(void)state;
	volume_create(&v, 4096, "-t ext4 -b 4096 -m 0 -N 256 -J size=4 $f");
	while ((status = make(last, 0100644, &node)) == 0)
		last++;
	assert_int_equal(status, -LINUX_ENOSPC);
	assert_true(last > 200);
	for (uint32_t i = 0; i < last; i++) {
		removes(i);
		assert_int_equal(make(last + i, i % 3 == 0 ? 0040755 : 0100644, &node), 0);
	}
	volume_destroy(&v);
}

// What nobody has removed is not waited for.
static void a_full_disk_says_so(void **state)
{
	struct ext4_node node;

	(void)state;
	volume_create(&v, 4096, "-t ext4 -b 4096 -m 0 -J size=4 $f");
	(void)fill();
	volume_sync(&v);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(make(100000 + i, 0040755, &node), -LINUX_ENOSPC);
	volume_destroy(&v);
}

static int make_in(struct ext4_node dir, uint32_t number)
{
	struct ext4_new what = { .mode = 0100644 };
	struct ext4_attr attr;
	char name[30];

	snprintf(name, sizeof(name), "file-%u", number);
	return VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                  ext4_create(&v.u, dir, text_span(name), &what, &attr));
}

// All that is free by the bitmap is a block of the folder itself: the root of its index, or a leaf.
static void a_block_in_use_is_given_to_nobody(void **state)
{
	static const char *const blocks[] = { "$1", "$2" };

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		uint32_t number = 0;
		struct ext4_node dir;
		char text[300];
		int status = 0;

		volume_create(&v, 4096, "-t ext4 -b 4096 -m 0 -N 1024 -J size=4 $f");
		assert_int_equal(make(0, 0040755, &dir), 0);
		for (; number < 400; number++)
			assert_int_equal(make_in(dir, number), 0);
		volume_unmount_and_check(&v);
		snprintf(text, sizeof(text),
		         "set -- $(debugfs -R 'blocks /file-0' $f 2>/dev/null); "
		         "printf '%%s\n' 'setb 1 4095' \"freeb %s\" | debugfs -w -f /dev/stdin $f",
		         blocks[i]);
		assert_int_equal(device_fake_command(v.disk, text, NULL, 0), 0);
		volume_mount(&v);
		for (; status == 0 && number < 900; number++)
			status = make_in(dir, number);
		assert_int_equal(status, -LINUX_EUCLEAN);
		assert_int_equal(ext4_unmount(v.fs), 0);
		device_fake_destroy(v.disk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_removed_is_room_for_data_at_once),
		cmocka_unit_test(what_was_removed_is_room_for_folders_at_once),
		cmocka_unit_test(what_was_removed_is_an_inode_at_once),
		cmocka_unit_test(a_full_disk_says_so),
		cmocka_unit_test(a_block_in_use_is_given_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
