// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/image/pack/squashfs.h"
#include "tools/image/pack/squashfs_directory.h"

#define NUM_FILES 70000
#define MAX_COMPARES_EACH 100  // of a balanced tree of 70,000 names, some times

unsigned long compares;

#undef strcmp
int counted_strcmp(const char *a, const char *b)
{
	compares++;
	return strcmp(a, b);
}

static void file_add(struct tree *tree, struct tree_node *dir, const char *name)
{
	struct error err;
	struct tree_inode *inode = tree_inode_create(tree, S_IFREG | 0644, &err);

	assert_non_null(inode);
	assert_int_equal(tree_put(tree, dir, name, inode, 1, &err), 0);
}

static void test_large_directory_is_linear(void **state)
{
	FILE *file = tmpfile();
	struct spool spool;
	struct tree tree;
	struct error err;
	char name[32];

	(void)state;
	assert_int_equal(tree_init(&tree, NULL, &err), 0);
	assert_int_equal(spool_init(&spool, "/tmp", &err), 0);
	for (unsigned i = 0; i < NUM_FILES; i++) {
		snprintf(name, sizeof(name), "file%06u", i);
		file_add(&tree, tree.root, name);
	}
	assert_int_equal(squashfs_pack(&tree, &spool, fileno(file), NULL, &err), 0);
	tree_deinit(&tree);
	assert_true(compares < NUM_FILES * MAX_COMPARES_EACH);
	fclose(file);
	spool_deinit(&spool);
}

// A reader that looks for a name goes from index to index: each metadata block that a listing
// enters has one, but its first.
static void test_long_listing_is_indexed(void **state)
{
	struct squashfs_image image = { 0 };
	struct squashfs_listing listing;
	struct tree_list list;
	struct tree tree;
	struct error err;
	char name[32];

	(void)state;
	assert_int_equal(tree_init(&tree, NULL, &err), 0);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%05u", i);
		file_add(&tree, tree.root, name);
		tree_child(tree.root, name)->inode->number = i + 1;
		tree_child(tree.root, name)->inode->reference = squashfs_reference(i * 32);
	}
	list = tree_children(tree.root);
	assert_int_equal(squashfs_listing_add(&image, list.nodes, list.count, &listing, &err), 0);
	assert_int_equal(image.entries, 5000);
	assert_int_equal(listing.size, image.directories.size);
	assert_int_equal(listing.num_indexes, (listing.size - 1) / SQUASHFS_METADATA_SIZE);
	squashfs_bytes_free(&listing.indexes);
	squashfs_bytes_free(&image.directories);
	free(list.nodes);
	tree_deinit(&tree);
}

static void content_add(struct tree *tree, struct spool *spool, const char *content)
{
	struct tree_inode *inode;
	struct error err;

	file_add(tree, tree->root, content);
	inode = tree_child(tree->root, content)->inode;
	inode->size = strlen(content);
	assert_int_equal(spool_reserve(spool, inode->size, &inode->spool_offset, &err), 0);
	assert_int_equal(spool_write(spool, inode->spool_offset, content, strlen(content), &err),
	                 0);
}

// Whether they are written by the packer, or lie in the image already.
static void contents_are_aligned(bool adopted)
{
	static const char *const contents[] = { "content", "of no", "round size" };
	FILE *file = tmpfile();
	char image[4096];
	struct spool spool;
	struct tree tree;
	struct error err;
	size_t size;

	assert_int_equal(tree_init(&tree, NULL, &err), 0);
	assert_int_equal(adopted ? spool_adopt(&spool, fileno(file), SQUASHFS_CONTENTS, &err)
	                         : spool_init(&spool, "/tmp", &err),
	                 0);
	for (unsigned i = 0; i < 3; i++)
		content_add(&tree, &spool, contents[i]);
	assert_int_equal(squashfs_pack(&tree, &spool, fileno(file), NULL, &err), 0);
	rewind(file);
	size = fread(image, 1, sizeof(image), file);
	for (unsigned i = 0; i < 3; i++) {
		// The first is the content; the name comes later.
		const char *found = memmem(image, size, contents[i], strlen(contents[i]));

		assert_non_null(found);
		assert_int_equal((size_t)(found - image) % CONTENT_ALIGNMENT, 0);
	}
	tree_deinit(&tree);
	spool_deinit(&spool);
	fclose(file);
}

static void test_contents_are_aligned(void **state)
{
	(void)state;
	contents_are_aligned(false);
	contents_are_aligned(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_directory_is_linear),
		cmocka_unit_test(test_long_listing_is_indexed),
		cmocka_unit_test(test_contents_are_aligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
