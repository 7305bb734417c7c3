// SPDX-License-Identifier: MIT
#include "tools/image/pack/squashfs_directory.h"

#include <string.h>

#define MAX_RUN 256  // entries below one header
#define MAX_LISTING (1u << 30)
#define MAX_INDEXES 65535

// How many of the entries one header can serve: their inodes are in one metadata block, and their
// numbers near each other.
static size_t run_length(struct tree_node *const *entries, size_t count)
{
	const struct tree_inode *first = entries[0]->inode;
	size_t run = 1;

	while (run < count && run < MAX_RUN) {
		const struct tree_inode *inode = entries[run]->inode;
		int64_t delta = (int64_t)inode->number - first->number;

		if (inode->reference >> 16 != first->reference >> 16 || delta < INT16_MIN ||
		    delta > INT16_MAX)
			break;
		run++;
	}
	return run;
}

static void run_add(struct squashfs_image *image, struct tree_node *const *entries, size_t run)
{
	struct squashfs_bytes *out = &image->directories;
	const struct tree_inode *first = entries[0]->inode;

	squashfs_put32(out, (uint32_t)run - 1);
	squashfs_put32(out, (uint32_t)(first->reference >> 16));
	squashfs_put32(out, first->number);
	for (size_t i = 0; i < run; i++) {
		const struct tree_inode *inode = entries[i]->inode;
		const char *name = entries[i]->name;

		squashfs_put16(out, inode->reference & 0xffff);
		squashfs_put16(out, (inode->number - first->number) & 0xffff);
		squashfs_put16(out, squashfs_type(inode->mode));
		squashfs_put16(out, (unsigned)strlen(name) - 1);
		squashfs_put(out, name, strlen(name));
		image->entries++;
	}
}

// Says where the header that comes next is, and which name is its first: a reader need not go
// through all before it.
static void index_add(struct squashfs_listing *listing, size_t position, const char *name)
{
	squashfs_put32(&listing->indexes, (uint32_t)(position - listing->start));
	squashfs_put32(&listing->indexes, (uint32_t)(squashfs_reference(position) >> 16));
	squashfs_put32(&listing->indexes, (uint32_t)strlen(name) - 1);
	squashfs_put(&listing->indexes, name, strlen(name));
	listing->num_indexes++;
}

int squashfs_listing_add(struct squashfs_image *image, struct tree_node *const *entries,
                         size_t count, struct squashfs_listing *listing, struct error *err)
{
	size_t start = image->directories.size;
	size_t block = start / SQUASHFS_METADATA_SIZE;

	*listing = (struct squashfs_listing){ .start = start };
	for (size_t done = 0; done < count;) {
		size_t position = image->directories.size;
		size_t run = run_length(entries + done, count - done);

		if (position / SQUASHFS_METADATA_SIZE != block &&
		    listing->num_indexes < MAX_INDEXES) {
			block = position / SQUASHFS_METADATA_SIZE;
			index_add(listing, position, entries[done]->name);
		}
		run_add(image, entries + done, run);
		done += run;
		if (image->directories.size - start > MAX_LISTING)
			return error_set(err, "a directory of the image has too many entries");
	}
	listing->size = (uint32_t)(image->directories.size - start);
	return 0;
}
