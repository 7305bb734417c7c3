// SPDX-License-Identifier: MIT
//
// Layers of a hostile image: three layers made from the input's bytes, either as tar entries or as
// a raw tar.
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/image/pack/squashfs.h"
#include "tools/image/tree/layer_test_tar.h"

#define ROOM 262144
#define MAX_ENTRIES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Few names, so that entries meet each other.
static const char *const names[] = {
	"a",
	"b",
	"a/b",
	"a/b/c",
	"b/a",
	"l",
	"l/a",
	"l/l/b",
	"..",
	"../a",
	"a/..",
	"/a",
	"/",
	".",
	"./b/",
	".wh.a",
	".wh.b",
	"a/.wh.b",
	".wh..wh..opq",
	"a/.wh..wh..opq",
	"l/.wh.a",
	"l/.wh..wh..opq",
	".wh..wh.aufs",
	".wh..wh.plnk/1",
	".wh..wh.plnk/a/../1",
	"a/.wh..wh.x/b",
	".wh.",
	".wh..",
	"a//b",
	"a/./b",
	"l/../b",
	"/etc/passwd",
	"../../../a",
	"l/b/c",
	"",
};
#define NUM_NAMES (sizeof(names) / sizeof(names[0]))

static const mode_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, 0, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK };

static size_t make_entries(struct test_tar *tar, const uint8_t *data, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < MAX_ENTRIES && used + 3 <= size && data[used] != 0xff;
	     i++, used += 3)
		test_tar_add(tar, names[data[used] % NUM_NAMES], types[data[used + 1] % 8] | 0644,
		             names[data[used + 2] % NUM_NAMES],
		             data[used + 1] & 0x80 ? "content" : NULL);
	return used < size ? used + 1 : used;
}

static int check_node(struct tree_node *node, const char *path, void *context)
{
	// A directory may be called so: one that a dangling symbolic link pointed to.
	bool whiteout = strncmp(node->name, ".wh.", 4) == 0 && !S_ISDIR(node->inode->mode);

	(void)context;
	if (strlen(path) > TREE_MAX_PATH || strchr(node->name, '/') || whiteout ||
	    strcmp(node->name, "..") == 0 || strcmp(node->name, ".") == 0 ||
	    (node->parent && !node->name[0]))
		abort();
	if (node->children && !S_ISDIR(node->inode->mode))
		abort();
	return 0;
}

// A mutated header has a wrong checksum, which would be the end of it.
static void fix_checksums(uint8_t *bytes, size_t size)
{
	for (size_t block = 0; block + 512 <= size; block += 512) {
		unsigned sum = 0;
		char text[8];

		if (memcmp(bytes + block + 257, "ustar", 5) != 0)
			continue;
		memset(bytes + block + 148, ' ', 8);
		for (unsigned i = 0; i < 512; i++)
			sum += bytes[block + i];
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(bytes + block + 148, text, 7);
	}
}

static void apply_raw(struct tree *tree, struct spool *spool, const uint8_t *data, size_t size)
{
	static const unsigned max = 16384;
	uint8_t *copy = malloc(size + 1);
	struct error err;

	if (size < max)
		memcpy(copy, data, size);
	else
		size = 0;
	fix_checksums(copy, size);
	memory_apply(tree, spool, copy, size, 1, &err);
	free(copy);
}

// Whatever the tree is, it can be written.
static void pack(struct tree *tree, struct spool *spool)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct error err;

	if (fd >= 0 && squashfs_pack(tree, spool, fd, NULL, &err) < 0)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spool spool = { .fd = -1 };
	static struct test_tar tar;
	struct tree_limits limits = { .memory = 1 << 20, .entries = 1000 };
	struct tree tree;
	struct error err;
	size_t used = 1;

	if (size == 0 || (spool.fd < 0 && spool_init(&spool, "/tmp", &err) < 0))
		return 0;
	spool.size = 0;
	spool.limit = 1 << 20;
	if (tree_init(&tree, &limits, &err) < 0)
		return 0;
	if (data[0] & 1) {
		apply_raw(&tree, &spool, data + 1, size - 1);
	} else {
		for (unsigned layer = 1; layer <= 3 && used < size; layer++) {
			test_tar_open(&tar, ROOM);
			used += make_entries(&tar, data + used, size - used);
			test_tar_close(&tar);
			memory_apply(&tree, &spool, tar.bytes, tar.size, layer, &err);
			free(tar.bytes);
		}
	}
	tree_walk(&tree, check_node, NULL);
	tree_lookup(&tree, "/l/a/../b");
	pack(&tree, &spool);
	tree_deinit(&tree);
	if (tree.memory != 0 || tree.entries != 0)
		abort();
	return 0;
}
