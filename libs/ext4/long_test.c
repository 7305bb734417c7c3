// SPDX-License-Identifier: MIT
//
// Operations that look at more blocks than the cache has come to an end. The cache of these tests
// has 256 blocks (EXT4_CACHE_MIN); volume_fake.c gives up on what does not end. e2fsck judges.
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

static int create(struct ext4_node dir, const char *name, uint32_t mode, struct ext4_node *out)
{
	struct ext4_new what = { .mode = mode };
	struct ext4_attr attr = { 0 };
	int status = VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                        ext4_create(&v.u, dir, text_span(name), &what, &attr));

	*out = attr.node;
	return status;
}

static struct ext4_node make(struct ext4_node dir, const char *name, uint32_t mode)
{
	struct ext4_node node;

	assert_int_equal(create(dir, name, mode, &node), 0);
	return node;
}

static struct ext4_node unlinks(struct ext4_node dir, const char *name)
{
	struct ext4_attr attr;

	assert_int_equal(
		VOLUME_RUN(&v, EXT4_CREDITS_NAMES, ext4_unlink(&v.u, dir, text_span(name), &attr)),
		0);
	return attr.node;
}

static int rmdir(struct ext4_node dir, const char *name)
{
	struct ext4_attr attr;
	int status =
		VOLUME_RUN(&v, EXT4_CREDITS_NAMES, ext4_rmdir(&v.u, dir, text_span(name), &attr));

	if (status == 0)
		assert_int_equal(
			VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_release(&v.u, attr.node)), 0);
	return status;
}

static int rename_to(const char *name, struct ext4_node dir, const char *new_name)
{
	struct ext4_attr replaced;

	return VOLUME_RUN(
		&v, EXT4_CREDITS_NAMES,
		ext4_rename(&v.u, root, text_span(name), dir, text_span(new_name), 0, &replaced));
}

static int release(struct ext4_node node)
{
	return VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_release(&v.u, node));
}

// Of 250 bytes, so that few fill a block.
static const char *long_name(uint32_t i)
{
	static char name[251];

	memset(name, 'n', 250);
	snprintf(name + 240, 11, "%u", i);
	return name;
}

// --- Folders of many blocks ----------------------------------------------------------------------

#define NAMES 6000u

// A folder that had NAMES names, and has none.
static struct ext4_node make_emptied(const char *name)
{
	struct ext4_node dir = make(root, name, 0040755);
	struct ext4_node file = make(dir, "one", 0100644);
	struct ext4_attr attr;

	for (uint32_t i = 0; i < NAMES; i++)
		assert_int_equal(
			VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
		                   ext4_link(&v.u, file, dir, text_span(long_name(i)), &attr)),
			0);
	for (uint32_t i = 0; i < NAMES; i++)
		(void)unlinks(dir, long_name(i));
	assert_int_equal(VOLUME_RUN(&v, 0, ext4_getattr(&v.u, dir, &attr)), 0);
	assert_true(attr.size / EXT4_BLOCK_SIZE > 2 * EXT4_CACHE_MIN);
	return dir;
}

struct seen {
	uint32_t count;
	uint64_t next;
};

static bool see(void *context, struct span name, uint32_t inode, uint8_t type, uint64_t next)
{
	struct seen *seen = context;

	(void)name;
	(void)inode;
	(void)type;
	seen->count++;
	seen->next = next;
	return true;
}

static uint32_t count_names(struct ext4_node dir)
{
	uint32_t count = 0;
	struct seen seen = { .next = 0 };
	uint64_t position;

	do {
		position = seen.next;
		assert_int_equal(
			VOLUME_RUN(&v, 0,
		                   (seen.count = 0, ext4_readdir(&v.u, dir, position, see, &seen))),
			0);
		count += seen.count;
	} while (seen.count > 0);
	return count;
}

static void an_emptied_folder_is_listed_and_goes(void **state)
{
	struct ext4_node dir;
	struct ext4_attr attr;

	(void)state;
	volume_create(&v, 1u << 15, "-t ext4 -b 4096 -J size=4 $f");
	dir = make_emptied("many");
	assert_int_equal(count_names(dir), 3);
	assert_int_equal(rmdir(root, "many"), -LINUX_ENOTEMPTY);
	assert_int_equal(release(unlinks(dir, "one")), 0);
	assert_int_equal(count_names(dir), 2);
	// What was found of it does not hold for a name that comes.
	(void)make(dir, "late", 0100644);
	assert_int_equal(count_names(dir), 3);
	assert_int_equal(rmdir(root, "many"), -LINUX_ENOTEMPTY);
	assert_int_equal(release(unlinks(dir, "late")), 0);
	(void)make(root, "other", 0040755);
	assert_int_equal(rename_to("other", root, "many"), 0);
	assert_int_equal(VOLUME_RUN(&v, 0, ext4_getattr(&v.u, dir, &attr)), 0);
	assert_int_equal(attr.links, 0);
	assert_int_equal(release(dir), 0);
	volume_destroy(&v);
}

// A name comes while the folder is looked through: block by block of the disk, the runs of both.
static void a_name_that_comes_while_a_folder_goes(void **state)
{
	struct ext4_node dir;

	(void)state;
	volume_create(&v, 1u << 15, "-t ext4 -b 4096 -J size=4 $f");
	dir = make_emptied("many");
	assert_int_equal(release(unlinks(dir, "one")), 0);
	for (uint32_t i = 0; i < 20; i++) {
		struct ext4_attr attr;
		int status = UPDATE_WAIT;

		for (uint32_t runs = 0; runs < 20 + i * 25 && status == UPDATE_WAIT; runs++) {
			volume_begin(&v, EXT4_CREDITS_NAMES);
			status = ext4_rmdir(&v.u, root, text_span("many"), &attr);
			update_drop(&v.u);
			volume_settle(&v);
		}
		(void)make(dir, "late", 0100644);
		assert_int_equal(rmdir(root, "many"), -LINUX_ENOTEMPTY);
		assert_int_equal(release(unlinks(dir, "late")), 0);
	}
	assert_int_equal(rmdir(root, "many"), 0);
	volume_destroy(&v);
}

static void a_folder_without_an_index_has_an_end(void **state)
{
	struct ext4_node dir, node;
	struct ext4_attr attr;
	uint32_t count = 0;
	int status;

	(void)state;
	volume_create(&v, 1u << 13, "-t ext4 -O ^dir_index -b 4096 -J size=4 $f");
	dir = make(root, "linear", 0040755);
	while ((status = create(dir, long_name(count), 0100644, &node)) == 0)
		count++;
	assert_int_equal(status, -LINUX_ENOSPC);
	assert_true(count > 15 * (EXT4_CACHE_MIN / 4 - 1));
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(
			VOLUME_RUN(&v, 0, ext4_lookup(&v.u, dir, text_span(long_name(i)), &attr)),
			0);
	volume_destroy(&v);
}

// --- Deep trees ----------------------------------------------------------------------------------

#define DEPTH 700u

static void folders_move_in_a_deep_tree(void **state)
{
	struct ext4_node dir, middle = root;

	(void)state;
	volume_create(&v, 1u << 14, "-t ext4 -b 4096 -N 4096 -J size=4 $f");
	dir = make(root, "top", 0040755);
	for (uint32_t i = 0; i < DEPTH; i++) {
		dir = make(dir, "d", 0040755);
		middle = i == DEPTH / 2 ? dir : middle;
	}
	(void)make(root, "other", 0040755);
	assert_int_equal(rename_to("top", dir, "x"), -LINUX_EINVAL);
	assert_int_equal(rename_to("other", dir, "x"), 0);
	(void)make(root, "other", 0040755);
	assert_int_equal(rename_to("other", middle, "x"), 0);
	volume_destroy(&v);
}

// --- Orphans -------------------------------------------------------------------------------------

#define ORPHANS 6000u  // of which 16 are in a block

static struct ext4_node orphans[ORPHANS];
static uint32_t num_found;

static void found(void *context, struct ext4_node node, bool named)
{
	(void)context;
	assert_false(named);
	assert_true(node.inode != 0);
	num_found++;
}

static void many_orphans(void **state)
{
	(void)state;
	volume_create(&v, 1u << 14, "-t ext4 -b 4096 -N 8192 -J size=4 $f");
	for (uint32_t i = 0; i < ORPHANS; i++) {
		(void)make(root, "o", 0100644);
		orphans[i] = unlinks(root, "o");
	}
	// The first of the list, its last, and some between.
	assert_int_equal(release(orphans[ORPHANS - 1]), 0);
	assert_int_equal(release(orphans[0]), 0);
	for (uint32_t i = 7; i < ORPHANS - 1; i += 7)
		assert_int_equal(release(orphans[i]), 0);
	assert_int_equal(ext4_unmount(v.fs), 0);
	volume_mount(&v);
	num_found = 0;
	ext4_orphans(v.fs, found, NULL);
	assert_int_equal(num_found, ORPHANS - 2 - (ORPHANS - 2) / 7);
	for (uint32_t i = 1; i < ORPHANS - 1; i++)
		if (i % 7 != 0)
			assert_int_equal(release(orphans[i]), 0);
	volume_destroy(&v);
}

// --- Files of many pieces ------------------------------------------------------------------------

#define PIECES 700u

// A file whose blocks do not lie beside each other; with `holes`, not even in the file.
static struct ext4_node make_pieces(const char *name, bool holes)
{
	struct ext4_node nodes[2] = { make(root, name, 0100644), make(root, "between", 0100644) };

	for (uint32_t i = 0; i < 2 * PIECES; i++) {
		uint32_t block = holes ? i : i / 2;
		struct ext4_node node = nodes[i % 2];
		struct ext4_reservation r;

		assert_int_equal(VOLUME_RUN(&v, 0, ext4_reserve(&v.u, node, block, 1, &r)), 0);
		assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_EXTEND,
		                            ext4_extend(&v.u, node, block, &r, 1, false,
		                                        (block + 1ull) * EXT4_BLOCK_SIZE)),
		                 0);
		ext4_reservation_used(v.fs, &r, 1);
	}
	return nodes[0];
}

static void a_hole_behind_many_pieces(void **state)
{
	struct ext4_node file;
	uint32_t at = 0, more = 0;
	int status;

	(void)state;
	volume_create(&v, 1u << 14, "-t ext4 -b 4096 -J size=4 $f");
	file = make_pieces("pieces", false);
	do {
		volume_begin(&v, 0);
		status = ext4_seek(&v.u, file, at, true, &at);
		update_drop(&v.u);
		more += status == UPDATE_MORE;
		if (status == UPDATE_WAIT)
			volume_settle(&v);
	} while (status == UPDATE_WAIT || status == UPDATE_MORE);
	assert_int_equal(status, 0);
	assert_int_equal(at, PIECES);
	assert_true(more > 0);
	volume_destroy(&v);
}

// The file is on the list of orphans already when it loses its name.
static void a_file_goes_while_it_is_cut(void **state)
{
	struct ext4_node file;
	int status;

	(void)state;
	volume_create(&v, 1u << 14, "-t ext4 -b 4096 -J size=4 $f");
	file = make_pieces("pieces", true);
	(void)make(root, "o", 0100644);
	orphans[0] = unlinks(root, "o");
	do {
		volume_begin(&v, EXT4_CREDITS_TRUNCATE);
		status = ext4_truncate(&v.u, file, 0);
		if (status == UPDATE_MORE)
			update_commit(&v.u, NULL);
		else
			update_drop(&v.u);
		volume_settle(&v);
	} while (status == UPDATE_WAIT);
	assert_int_equal(status, UPDATE_MORE);
	assert_int_equal(unlinks(root, "pieces").inode, file.inode);
	assert_int_equal(release(file), 0);
	assert_int_equal(release(orphans[0]), 0);
	volume_destroy(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_emptied_folder_is_listed_and_goes),
		cmocka_unit_test(a_name_that_comes_while_a_folder_goes),
		cmocka_unit_test(a_folder_without_an_index_has_an_end),
		cmocka_unit_test(folders_move_in_a_deep_tree),
		cmocka_unit_test(many_orphans),
		cmocka_unit_test(a_hole_behind_many_pieces),
		cmocka_unit_test(a_file_goes_while_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
