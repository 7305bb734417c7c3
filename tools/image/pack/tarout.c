// SPDX-License-Identifier: MIT
#include "tools/image/pack/tarout.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/image/pack/pack.h"

#define CHUNK_SIZE 65536

struct tar_output {
	struct archive *archive;
	struct archive_entry *entry;
	const struct spool *spool;
	struct progress *progress;
	uint64_t written;
	struct error *err;
};

static int write_failed(struct tar_output *output)
{
	return error_set(output->err, "cannot write the root image's tar stream: %s",
	                 archive_error_string(output->archive));
}

static void entry_describe(struct archive_entry *entry, const struct tree_inode *inode)
{
	archive_entry_set_mode(entry, inode->mode);
	archive_entry_set_uid(entry, inode->uid);
	archive_entry_set_gid(entry, inode->gid);
	archive_entry_set_mtime(entry, inode->mtime, 0);
	archive_entry_set_size(entry, S_ISREG(inode->mode) ? (la_int64_t)inode->size : 0);
	if (S_ISLNK(inode->mode))
		archive_entry_copy_symlink(entry, inode->target);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		archive_entry_set_rdevmajor(entry, inode->major);
		archive_entry_set_rdevminor(entry, inode->minor);
	}
	for (const struct tree_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next)
		archive_entry_xattr_add_entry(entry, xattr->name, xattr->value, xattr->size);
}

static int content_write(struct tar_output *output, const struct tree_inode *inode)
{
	char chunk[CHUNK_SIZE];
	uint64_t done = 0;

	while (done < inode->size) {
		size_t size = inode->size - done < CHUNK_SIZE ? (size_t)(inode->size - done)
							      : CHUNK_SIZE;

		if (spool_read(output->spool, inode->spool_offset + done, chunk, size,
		               output->err) < 0)
			return -1;
		if (archive_write_data(output->archive, chunk, size) != (la_ssize_t)size)
			return write_failed(output);
		done += size;
		output->written += size;
		if (output->progress)
			progress_update(output->progress, output->written);
	}
	return 0;
}

static int node_write(struct tree_node *node, const char *tree_path, void *context)
{
	struct tar_output *output = context;
	struct tree_inode *inode = node->inode;
	bool is_link = inode->first_path != NULL;
	char path[sizeof(PACK_ROOT_DIRECTORY) + TREE_MAX_PATH + TREE_MAX_NAME + 2];

	snprintf(path, sizeof(path), PACK_ROOT_DIRECTORY "%s%s", tree_path[0] ? "/" : "", tree_path);
	archive_entry_clear(output->entry);
	archive_entry_copy_pathname(output->entry, path);
	if (is_link) {
		archive_entry_set_mode(output->entry, S_IFREG | 0644);
		archive_entry_copy_hardlink(output->entry, inode->first_path);
	} else {
		entry_describe(output->entry, inode);
	}
	// A warning is about names that are not ASCII; they are written as they are.
	if (archive_write_header(output->archive, output->entry) < ARCHIVE_WARN)
		return write_failed(output);
	if (is_link)
		return 0;
	if (inode->links > 1) {
		inode->first_path = strdup(path);
		if (!inode->first_path)
			return error_set(output->err, "out of memory");
	}
	return S_ISREG(inode->mode) ? content_write(output, inode) : 0;
}

int tar_write(struct tree *tree, const struct spool *spool, int fd, struct progress *progress,
              struct error *err)
{
	struct tar_output output = {
		.archive = archive_write_new(),
		.entry = archive_entry_new(),
		.spool = spool,
		.progress = progress,
		.err = err,
	};
	int result = -1;

	if (!output.archive || !output.entry) {
		error_set(err, "out of memory");
		goto out_free;
	}
	if (archive_write_set_format_pax(output.archive) != ARCHIVE_OK ||
	    archive_write_set_options(output.archive, "hdrcharset=BINARY,xattrheader=SCHILY") !=
	            ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(output.archive, CHUNK_SIZE) != ARCHIVE_OK ||
	    archive_write_open_fd(output.archive, fd) != ARCHIVE_OK) {
		write_failed(&output);
		goto out_free;
	}
	result = tree_walk(tree, node_write, &output);
	if (result == 0 && archive_write_close(output.archive) != ARCHIVE_OK)
		result = write_failed(&output);
out_free:
	archive_entry_free(output.entry);
	archive_write_free(output.archive);
	return result;
}
