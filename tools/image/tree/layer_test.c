// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tools/image/tree/layer_test_tar.h"

#define DIR (S_IFDIR | 0755)
#define FILE_MODE (S_IFREG | 0644)
#define ROOM 65536

struct fixture {
	struct tree tree;
	struct spool spool;
	struct test_tar tar;
	struct error err;
	unsigned layers;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(tree_init(&f->tree, NULL, &f->err), 0);
	assert_int_equal(spool_init(&f->spool, "/tmp", &f->err), 0);
	test_tar_open(&f->tar, ROOM);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	test_tar_close(&f->tar);
	free(f->tar.bytes);
	tree_deinit(&f->tree);
	// Whatever the test did, all memory is accounted for.
	assert_int_equal(f->tree.memory, 0);
	assert_int_equal(f->tree.entries, 0);
	spool_deinit(&f->spool);
	free(f);
	return 0;
}

// Applies what was added since the last call as the next layer.
static int apply(struct fixture *f)
{
	int result;

	test_tar_close(&f->tar);
	result = memory_apply(&f->tree, &f->spool, f->tar.bytes, f->tar.size, ++f->layers, &f->err);
	free(f->tar.bytes);
	test_tar_open(&f->tar, ROOM);
	return result;
}

static void add(struct fixture *f, const char *path, mode_t mode, const char *link)
{
	test_tar_add(&f->tar, path, mode, link, S_ISREG(mode) ? "x" : NULL);
}

static bool has(struct fixture *f, const char *path)
{
	return tree_lookup(&f->tree, path) != NULL;
}

// Applies a layer of these: "d/" is a directory, "l -> t" a link to `t`, all else a file.
static void apply_layer(struct fixture *f, const char *const *entries)
{
	for (; *entries; entries++) {
		char path[64];
		char *arrow;
		size_t length = strlen(*entries);

		assert_true(length < sizeof(path));
		strcpy(path, *entries);
		arrow = strstr(path, " -> ");
		if (arrow) {
			*arrow = '\0';
			add(f, path, S_IFLNK | 0777, arrow + strlen(" -> "));
		} else if (path[length - 1] == '/') {
			path[length - 1] = '\0';
			add(f, path, DIR, NULL);
		} else {
			add(f, path, FILE_MODE, NULL);
		}
	}
	assert_int_equal(apply(f), 0);
}

#define LAYER(f, ...) apply_layer(f, (const char *const[]){ __VA_ARGS__, NULL })

// Whether the tree has these, and none of those with a `!` before.
static void expect_paths(struct fixture *f, const char *const *paths)
{
	for (; *paths; paths++) {
		bool wanted = **paths != '!';

		if (has(f, *paths + !wanted) != wanted)
			fail_msg("%s", *paths);
	}
}

#define EXPECT(f, ...) expect_paths(f, (const char *const[]){ __VA_ARGS__, NULL })

static void test_whiteout_hides_lower_layers_only(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "d/", "d/old", "f");
	LAYER(f, "d/new", ".wh.d", "f", ".wh.f");
	EXPECT(f, "!d/old", "d/new", "f");
	LAYER(f, ".wh.f", "d/.wh.new");
	EXPECT(f, "!f", "!d/new", "d");
}

static void test_opaque_hides_lower_layers_only(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "d/sub/old", "d/old");
	LAYER(f, "d/sub/new", "d/.wh..wh..opq", "d/.wh..wh.plnk");
	EXPECT(f, "!d/old", "!d/sub/old", "d/sub/new", "!d/.wh..wh.plnk");
}

static void test_opaque_over_a_lower_link_hides_the_link(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "target/keep", "link -> /target", "file");
	LAYER(f, "link/.wh..wh..opq", "link/", "link/new", "file/.wh..wh..opq", "file/new");
	EXPECT(f, "target/keep", "!target/new", "link/new", "!link/keep", "file/new");
	LAYER(f, ".wh..wh..opq", "x");
	EXPECT(f, "!target", "!link", "x");
}

static void test_owners_of_32_bits(void **state)
{
	static const struct {
		int64_t in;
		uint32_t out;
	} ids[] = { { 2147483648, 2147483648u },
		    { 4294967294, 4294967294u },
		    { -2, 4294967294u },
		    { 4294967295, 0 },
		    { -1, 0 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		f->tar.owner = ids[i].in;
		add(f, "f", FILE_MODE, NULL);
		assert_int_equal(apply(f), 0);
		assert_int_equal(tree_lookup(&f->tree, "f")->inode->uid, ids[i].out);
		assert_int_equal(tree_lookup(&f->tree, "f")->inode->gid, ids[i].out);
	}
	f->tar.owner = 4294967296;
	add(f, "f", FILE_MODE, NULL);
	assert_int_equal(apply(f), -1);
	assert_non_null(strstr(f->err.text, "is not a user and group id"));
}

static void test_whiteout_through_symlink_stays_inside(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "etc/f", "link -> ../../etc");
	LAYER(f, "link/.wh.f");
	EXPECT(f, "!etc/f", "link");
}

static void test_directory_of_a_path_replaces_a_lower_file(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "f", "real", "link -> real");
	LAYER(f, "f/sub/new", "link/new");
	EXPECT(f, "f/sub/new", "real/new");
	LAYER(f, "f/sub/new/below");
	EXPECT(f, "f/sub/new/below");
	// A file of the same layer stays what it is.
	add(f, "h", FILE_MODE, NULL);
	add(f, "h/below", FILE_MODE, NULL);
	assert_int_equal(apply(f), -1);
}

static void test_directory_over_directory_keeps_entries(void **state)
{
	struct fixture *f = *state;

	add(f, "d", S_IFDIR | 0700, NULL);
	LAYER(f, "d/x");
	add(f, "d", S_IFDIR | 0755, NULL);
	assert_int_equal(apply(f), 0);
	EXPECT(f, "d/x");
	assert_int_equal(tree_lookup(&f->tree, "d")->inode->mode, S_IFDIR | 0755);
	LAYER(f, "d");
	EXPECT(f, "!d/x");
}

static void test_directory_over_symlink_replaces_it(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "etc/f", "d -> /etc");
	LAYER(f, "d/", "d/g");
	assert_true(S_ISDIR(tree_lookup(&f->tree, "d")->inode->mode));
	EXPECT(f, "!etc/g");
}

static void test_hard_links_share_and_part(void **state)
{
	struct fixture *f = *state;

	add(f, "a", FILE_MODE, NULL);
	add(f, "b", 0, "a");
	add(f, "b", 0, "./b");
	assert_int_equal(apply(f), 0);
	assert_ptr_equal(tree_lookup(&f->tree, "a")->inode, tree_lookup(&f->tree, "b")->inode);
	LAYER(f, "a");
	assert_ptr_not_equal(tree_lookup(&f->tree, "a")->inode, tree_lookup(&f->tree, "b")->inode);
	assert_int_equal(tree_lookup(&f->tree, "b")->inode->links, 1);
}

static void test_hard_link_below_itself(void **state)
{
	struct fixture *f = *state;

	LAYER(f, "d/f");
	// The link's new name replaces the very directory that holds its target.
	add(f, "d", 0, "d/f");
	assert_int_equal(apply(f), 0);
	assert_true(S_ISREG(tree_lookup(&f->tree, "d")->inode->mode));
}

static void test_refused(void **state)
{
	static const struct {
		const char *path;
		mode_t mode;
		const char *link;
		const char *reason;
	} cases[] = {
		{ "../x", FILE_MODE, NULL, ".." },
		{ "a/../../x", FILE_MODE, NULL, ".." },
		{ "..", DIR, NULL, ".." },
		{ ".", FILE_MODE, NULL, "not a directory" },
		{ "x", 0, "../etc/passwd", ".." },
		{ "x", 0, "/etc/passwd", "does not have" },
		{ "x", 0, "d", "directory" },
		{ "loop/x", FILE_MODE, NULL, "symbolic links" },
		{ "d/.wh...", FILE_MODE, NULL, "whiteout" },
		{ "d/.wh.", FILE_MODE, NULL, "whiteout" },
		{ "../.wh.x", FILE_MODE, NULL, ".." },
	};
	struct fixture *f = *state;

	LAYER(f, "d/", "loop -> loop2", "loop2 -> loop");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		add(f, cases[i].path, cases[i].mode, cases[i].link);
		if (apply(f) != -1 || !strstr(f->err.text, cases[i].reason))
			fail_msg("%s: %s", cases[i].path, f->err.text);
	}
}

static void test_paths_are_cleaned(void **state)
{
	struct fixture *f = *state;

	add(f, "a/../b", FILE_MODE, NULL);
	add(f, "/../c", FILE_MODE, NULL);
	add(f, "./d/./x//../y/", DIR, NULL);
	add(f, "d/link", 0, "d/../b");
	assert_int_equal(apply(f), 0);
	assert_true(has(f, "b") && has(f, "c") && has(f, "d/y") && has(f, "d/link"));
	assert_false(has(f, "a") || has(f, "d/x"));
}

// AUFS's bookkeeping is passed over, but what is hard linked to files among it is kept, as Docker
// does.
static void test_aufs_metadata(void **state)
{
	struct fixture *f = *state;

	add(f, ".wh..wh.aufs", FILE_MODE, NULL);
	add(f, ".wh..wh.orph", DIR, NULL);
	add(f, ".wh..wh.orph/x", FILE_MODE, NULL);
	add(f, ".wh..wh.plnk", DIR, NULL);
	add(f, ".wh..wh.plnk/1.2", FILE_MODE, NULL);
	add(f, ".wh..wh.plnk/dir", DIR, NULL);
	add(f, "a", 0, ".wh..wh.plnk/1.2");
	add(f, "b", 0, "/.wh..wh.plnk/1.2");
	assert_int_equal(apply(f), 0);
	assert_ptr_equal(tree_lookup(&f->tree, "a")->inode, tree_lookup(&f->tree, "b")->inode);
	assert_int_equal(tree_lookup(&f->tree, "a")->inode->links, 2);
	assert_false(has(f, ".wh..wh.plnk") || has(f, ".wh..wh.orph") || has(f, ".wh..wh.aufs"));
	add(f, "c", 0, ".wh..wh.plnk/1.2");
	assert_int_equal(apply(f), -1);
	assert_non_null(strstr(f->err.text, "does not have"));
}

// The archive's first `size` bytes as a layer: 0, or -1 with the error.
static int apply_part(struct fixture *f, const void *bytes, size_t size)
{
	return memory_apply(&f->tree, &f->spool, bytes, size, ++f->layers, &f->err);
}

// Go's reader ends where the bytes do, if no entry is cut: without end blocks, with one, without
// the last padding.
static void test_archives_that_end_early(void **state)
{
	// An entry is three blocks here: the extended header, its records, the header.
	enum { BLOCK = 512, ENTRY = 3 * BLOCK, CONTENT = 2 * ENTRY };
	struct fixture *f = *state;
	static const struct {
		size_t size;
		bool whole;
	} cases[] = {
		{ CONTENT + 3 * BLOCK, true },
		{ CONTENT + 2 * BLOCK, true },
		{ CONTENT + BLOCK, true },
		{ CONTENT + 4, true },
		{ CONTENT + 3, true },
		{ CONTENT + 2, false },
		{ CONTENT, false },
		{ CONTENT - 1, false },
		{ CONTENT - 200, false },
		{ ENTRY, true },
		{ ENTRY - 1, false },
		{ 0, true },
	};

	add(f, "d", DIR, NULL);
	test_tar_add(&f->tar, "f", FILE_MODE, NULL, "abc");
	test_tar_close(&f->tar);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *copy = malloc(cases[i].size + 1);
		int result;

		memcpy(copy, f->tar.bytes, cases[i].size);
		result = apply_part(f, copy, cases[i].size);
		if (result != (cases[i].whole ? 0 : -1))
			fail_msg("%zu bytes: %d %s", cases[i].size, result, f->err.text);
		free(copy);
	}
	free(f->tar.bytes);
	test_tar_open(&f->tar, ROOM);
}

static void test_compressions(void **state)
{
	static const int filters[] = { ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ,
		                       ARCHIVE_FILTER_ZSTD };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		char name[] = { 'a' + (char)i, 0 };

		test_tar_close(&f->tar);
		free(f->tar.bytes);
		test_tar_open_filter(&f->tar, ROOM, filters[i]);
		add(f, name, FILE_MODE, NULL);
		assert_int_equal(apply(f), 0);
		assert_true(has(f, name));
	}
}

// Cut off anywhere, it is refused, and the error says so.
static void test_compressed_archives_that_end_early(void **state)
{
	static const struct {
		int filter;
		size_t head;  // bytes that it takes to be recognized
	} cases[] = {
		{ ARCHIVE_FILTER_GZIP, 10 },
		{ ARCHIVE_FILTER_BZIP2, 14 },
		{ ARCHIVE_FILTER_XZ, 12 },
		{ ARCHIVE_FILTER_ZSTD, 4 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test_tar_close(&f->tar);
		free(f->tar.bytes);
		test_tar_open_filter(&f->tar, ROOM, cases[i].filter);
		add(f, "f", FILE_MODE, NULL);
		test_tar_close(&f->tar);
		for (size_t size = cases[i].head; size < f->tar.size; size++) {
			f->err.text[0] = '\0';
			if (apply_part(f, f->tar.bytes, size) == 0 ||
			    !strstr(f->err.text, "it ends too early"))
				fail_msg("filter %zu, %zu of %zu bytes: \"%s\"", i, size,
				         f->tar.size, f->err.text);
		}
		free(f->tar.bytes);
		test_tar_open(&f->tar, ROOM);
	}
}

static void test_limits(void **state)
{
	struct fixture *f = *state;

	f->tree.limits.entries = 3;
	add(f, "a/b/c", FILE_MODE, NULL);
	assert_int_equal(apply(f), -1);
	assert_non_null(strstr(f->err.text, "more than 3 files"));
	f->tree.limits.entries = 100;
	f->tree.limits.memory = f->tree.memory + 10;
	add(f, "q", FILE_MODE, NULL);
	assert_int_equal(apply(f), -1);
	assert_non_null(strstr(f->err.text, "too large"));
	f->tree.limits.memory = 1 << 20;
	f->spool.limit = 8192;
	test_tar_add(&f->tar, "big", FILE_MODE, NULL, "more than it may hold");
	f->spool.size = 8190;
	assert_int_equal(apply(f), -1);
	assert_non_null(strstr(f->err.text, "more than"));
}

static void test_corrupt(void **state)
{
	struct fixture *f = *state;
	static const unsigned char bad_gzip[] = { 0x1f, 0x8b, 8, 0,    0,    0,   0,
		                                  0,    0,    0, 0xff, 0xff, 0xff };

	assert_int_equal(memory_apply(&f->tree, &f->spool, "no tar at all, not in the least", 31, 1,
	                              &f->err),
	                 -1);
	assert_int_equal(memory_apply(&f->tree, &f->spool, bad_gzip, sizeof(bad_gzip), 1, &f->err),
	                 -1);
	assert_int_equal(memory_apply(&f->tree, &f->spool, "", 0, 1, &f->err), 0);
	add(f, "file", FILE_MODE, NULL);
	test_tar_close(&f->tar);
	assert_int_equal(memory_apply(&f->tree, &f->spool, f->tar.bytes, 512, 1, &f->err), -1);
	free(f->tar.bytes);
	test_tar_open(&f->tar, ROOM);
}

static void test_names_are_bytes(void **state)
{
	struct fixture *f = *state;

	add(f, "e\xcc\x81", FILE_MODE, NULL);  // decomposed: must not be normalised
	add(f, "\xff\xfe", FILE_MODE, NULL);   // no UTF-8 at all
	assert_int_equal(apply(f), 0);
	EXPECT(f, "e\xcc\x81", "\xff\xfe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whiteout_hides_lower_layers_only, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_opaque_hides_lower_layers_only, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_opaque_over_a_lower_link_hides_the_link, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_owners_of_32_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whiteout_through_symlink_stays_inside, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_directory_of_a_path_replaces_a_lower_file,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_over_directory_keeps_entries, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_directory_over_symlink_replaces_it, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_hard_links_share_and_part, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hard_link_below_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paths_are_cleaned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aufs_metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(test_archives_that_end_early, setup, teardown),
		cmocka_unit_test_setup_teardown(test_compressed_archives_that_end_early, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_compressions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_compressed_archives_that_end_early, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_corrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_are_bytes, setup, teardown),
	};

	return cmocka_run_group_tests_name("image/layer", tests, NULL, NULL);
}
