// SPDX-License-Identifier: MIT
#include "tools/image/pack/pack.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/subprocess.h"
#include "tools/image/source/oci.h"
#include "tools/image/spool.h"
#include "tools/image/pack/tarout.h"
#include "tools/image/tool.h"
#include "tools/image/tree/tree.h"

#define MAX_ACCOUNT_FILE (1u << 20)

static int file_write(const char *directory, const char *name, const void *data, size_t size,
                      struct error *err)
{
	char *path;
	FILE *file;
	int result = 0;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return error_set(err, "out of memory");
	file = fopen(path, "we");
	if (!file || fwrite(data, 1, size, file) != size || fflush(file) != 0 ||
	    fsync(fileno(file)) < 0)
		result = error_set_errno(err, errno, "cannot write %s", path);
	if (file && fclose(file) != 0 && result == 0)
		result = error_set_errno(err, errno, "cannot write %s", path);
	free(path);
	return result;
}

// Keeps a copy of a small file of the image beside the root image.
static int account_file_write(struct tree *tree, const struct spool *spool, const char *path,
                              const char *directory, const char *name, struct error *err)
{
	struct tree_node *node = tree_lookup(tree, path);
	char *text;
	int result;

	if (!node || !S_ISREG(node->inode->mode))
		return 0;
	if (node->inode->size > MAX_ACCOUNT_FILE)
		return error_set(err, "the image's %s is larger than %u MiB", path,
		                 MAX_ACCOUNT_FILE >> 20);
	text = malloc((size_t)node->inode->size + 1);
	if (!text)
		return error_set(err, "out of memory");
	result = spool_read(spool, node->inode->spool_offset, text, (size_t)node->inode->size, err);
	if (result == 0)
		result = file_write(directory, name, text, (size_t)node->inode->size, err);
	free(text);
	return result;
}

static int config_write(const json_t *config, const char *directory, struct error *err)
{
	char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
	int result;

	if (!text)
		return error_set(err, "out of memory");
	result = file_write(directory, PACK_CONFIG, text, strlen(text), err);
	free(text);
	return result;
}

// sqfstar gives the outermost directory the time of day, whatever -root-time says. Its inode is where the super
// block says (root_inode, inode_table), in metadata blocks that are not compressed. (Squashfs binary format)
static int root_time_clear(const char *path, struct error *err)
{
	enum { ROOT_INODE = 32, INODE_TABLE = 64, MTIME = 8, MTIME_SIZE = 4, BLOCK = 8192, HEADER = 2 };
	uint64_t root = 0;
	uint64_t table = 0;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool done = fd >= 0 && pread(fd, &root, sizeof(root), ROOT_INODE) == sizeof(root) &&
		pread(fd, &table, sizeof(table), INODE_TABLE) == sizeof(table);

	root = le64toh(root);
	table = le64toh(table);
	for (uint64_t i = MTIME; done && i < MTIME + MTIME_SIZE; i++) {
		uint64_t offset = (root & 0xffff) + i;
		uint64_t block = table + (root >> 16) + offset / BLOCK * (BLOCK + HEADER);

		done = pwrite(fd, "", 1, (off_t)(block + HEADER + offset % BLOCK)) == 1;
	}
	if (!done)
		error_set_errno(err, errno, "cannot finish the root image %s", path);
	if (fd >= 0)
		close(fd);
	return done ? 0 : -1;
}

static int root_write(struct tree *tree, const struct spool *spool, const char *directory,
                      const char *scratch, struct error *err)
{
	// Not compressed at all: what decompressing costs in the guest is far more than what it saves (see "Images"
	// in docs/benchmarks.md). The order of the files and these times make the bytes the same each time.
	const char *argv[] = { "sqfstar",        "-quiet", "-no-progress", "-exit-on-error",
		               "-noI",          "-noD",   "-noF",         "-noX",
		               "-mkfs-time",    "0",      "-root-mode",   "755",
		               "-force",        NULL /* path */, NULL };
	enum { PATH_ARGUMENT = 13 };
	struct progress progress;
	struct tool tool;
	struct error tool_error;
	int pipe_fds[2];
	char *path;
	int result = -1;

	if (asprintf(&path, "%s/" PACK_ROOT, directory) < 0)
		return error_set(err, "out of memory");
	argv[PATH_ARGUMENT] = path;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		error_set_errno(err, errno, "cannot make a pipe");
		goto out_free;
	}
	if (tool_start(&tool, argv, pipe_fds[0], -1, -1, scratch, err) < 0) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		goto out_free;
	}
	close(pipe_fds[0]);
	progress_begin(&progress, "writing the root image", spool->size);
	result = tar_write(tree, spool, pipe_fds[1], &progress, err);
	close(pipe_fds[1]);
	// When the packer fails, our side of the pipe only sees that it is gone.
	if (tool_finish(&tool, "cannot write the root image", &tool_error) < 0) {
		*err = tool_error;
		result = -1;
	}
	if (result == 0)
		result = root_time_clear(path, err);
	if (result == 0)
		progress_end(&progress);
out_free:
	free(path);
	return result;
}

int pack_image(const struct oci_layout *layout, const struct oci_image *image, const char *output,
               const char *scratch, struct error *err)
{
	struct tree tree;
	struct spool spool;
	int result = -1;

	if (tree_init(&tree, NULL, err) < 0)
		return -1;
	if (spool_init(&spool, scratch, err) < 0)
		goto out_tree;
	if (oci_apply(layout, image, &tree, &spool, err) < 0 ||
	    root_write(&tree, &spool, output, scratch, err) < 0 ||
	    account_file_write(&tree, &spool, "/etc/passwd", output, PACK_PASSWD, err) < 0 ||
	    account_file_write(&tree, &spool, "/etc/group", output, PACK_GROUP, err) < 0 ||
	    config_write(image->config, output, err) < 0)
		goto out_spool;
	result = 0;
out_spool:
	spool_deinit(&spool);
out_tree:
	tree_deinit(&tree);
	return result;
}
