// SPDX-License-Identifier: MIT
#include "tools/image/pack/pack.h"

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
#include "tools/image/source/oci.h"
#include "tools/image/spool.h"
#include "tools/image/pack/squashfs.h"
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
static int account_file_write(struct tree *tree, struct spool *spool, const char *path,
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

static int root_write(struct tree *tree, struct spool *spool, const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct progress progress;
	int result;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write %s", path);
	progress_begin(&progress, "writing the root image", spool->size);
	result = squashfs_pack(tree, spool, fd, &progress, err);
	if (result == 0)
		progress_end(&progress);
	close(fd);
	return result;
}

// Makes `tree` of the image's layers, and writes it to `path`. Both are released by the caller.
static int layers_pack(const struct oci_layout *layout, const struct oci_image *image,
                       struct tree *tree, struct spool *spool, const char *path, struct error *err)
{
	return oci_apply(layout, image, tree, spool, err) < 0 ? -1
							      : root_write(tree, spool, path, err);
}

static int workspace_init(struct tree *tree, struct spool *spool, const char *scratch,
                          struct error *err)
{
	if (tree_init(tree, NULL, err) < 0)
		return -1;
	if (spool_init(spool, scratch, err) == 0)
		return 0;
	tree_deinit(tree);
	return -1;
}

int pack_root(pack_apply_fn *apply, void *context, const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	// Of a virtual machine of 256 MiB, half.
	static const struct tree_limits limits = { .memory = 128u << 20, .entries = 500000 };
	struct spool spool = { .fd = -1 };
	struct tree tree;
	int result = -1;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write %s", path);
	if (tree_init(&tree, &limits, err) < 0)
		goto out_close;
	// Contents are written once, to where they stay: the disk is behind a virtual machine.
	if (spool_adopt(&spool, fd, SQUASHFS_CONTENTS, err) == 0 &&
	    apply(context, &tree, &spool, err) == 0 &&
	    squashfs_pack(&tree, &spool, fd, NULL, err) == 0)
		result = fsync(fd) == 0 ? 0 : error_set_errno(err, errno, "cannot write %s", path);
	spool_deinit(&spool);
	tree_deinit(&tree);
out_close:
	close(fd);
	return result;
}

int pack_image(const struct oci_layout *layout, const struct oci_image *image, const char *output,
               const char *scratch, struct error *err)
{
	struct tree tree;
	struct spool spool;
	char *root;
	int result = -1;

	if (asprintf(&root, "%s/" PACK_ROOT, output) < 0)
		return error_set(err, "out of memory");
	if (workspace_init(&tree, &spool, scratch, err) < 0)
		goto out_free;
	if (layers_pack(layout, image, &tree, &spool, root, err) < 0 ||
	    account_file_write(&tree, &spool, "/etc/passwd", output, PACK_PASSWD, err) < 0 ||
	    account_file_write(&tree, &spool, "/etc/group", output, PACK_GROUP, err) < 0 ||
	    config_write(image->config, output, err) < 0)
		goto out_spool;
	result = 0;
out_spool:
	spool_deinit(&spool);
	tree_deinit(&tree);
out_free:
	free(root);
	return result;
}
