// SPDX-License-Identifier: MIT
#include "tools/image/pack/squashfs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/image/pack/packed_image.h"
#include "tools/image/pack/squashfs_directory.h"
#include "tools/image/pack/squashfs_inode.h"
#include "tools/image/pack/squashfs_table.h"

#define MAGIC 0x73717368u
#define BLOCK_SIZE 131072
#define BLOCK_LOG 17
#define BLOCK_NOT_COMPRESSED (1u << 24)
#define FILE_ALIGNMENT 4096  // so that it can be a disk
#define COMPRESSION_GZIP 1   // it has to name one, though nothing is compressed

enum super_flags {
	INODES_NOT_COMPRESSED = 0x001,
	DATA_NOT_COMPRESSED = 0x002,
	FRAGMENTS_NOT_COMPRESSED = 0x008,
	NO_FRAGMENTS = 0x010,
	EXPORTABLE = 0x080,
	XATTRS_NOT_COMPRESSED = 0x100,
	NO_XATTRS = 0x200,
	IDS_NOT_COMPRESSED = 0x800,
};

struct packer {
	struct squashfs_image image;
	struct squashfs_file file;
	struct spool *spool;
	struct progress *progress;
	uint64_t packed;  // bytes of content
	char block[BLOCK_SIZE];
	struct error *err;
};

// The numbers of a directory's files follow each other, so that a listing needs few headers.
static void inodes_number(struct packer *packer, struct tree_node *dir)
{
	struct tree_list list = tree_children(dir);

	for (size_t i = 0; i < list.count; i++)
		if (list.nodes[i]->inode->number == 0)
			list.nodes[i]->inode->number = ++packer->image.num_inodes;
	for (size_t i = 0; i < list.count; i++)
		if (S_ISDIR(list.nodes[i]->inode->mode))
			inodes_number(packer, list.nodes[i]);
	free(list.nodes);
}

static bool is_zero(const char *block, size_t size)
{
	return block[0] == 0 && memcmp(block, block + 1, size - 1) == 0;
}

static int content_begin(struct packer *packer)
{
	static const char padding[CONTENT_ALIGNMENT];
	uint64_t position = packer->file.position;

	return squashfs_write(&packer->file, padding, (size_t)(content_align(position) - position),
	                      packer->err);
}

// Writes a file's content, but for blocks that are all zero.
static int content_write(struct packer *packer, const struct tree_inode *inode,
                         struct squashfs_content *content)
{
	if (content_begin(packer) < 0)
		return -1;
	content->start = packer->file.position;
	for (uint64_t done = 0; done < inode->size; done += BLOCK_SIZE) {
		uint64_t left = inode->size - done;
		size_t size = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;

		if (spool_read(packer->spool, inode->spool_offset + done, packer->block, size,
		               packer->err) < 0)
			return -1;
		if (is_zero(packer->block, size)) {
			squashfs_put32(&content->sizes, 0);
			content->holes += size;
		} else {
			squashfs_put32(&content->sizes, (uint32_t)size | BLOCK_NOT_COMPRESSED);
			if (squashfs_write(&packer->file, packer->block, size, packer->err) < 0)
				return -1;
		}
		packer->packed += size;
		if (packer->progress)
			progress_update(packer->progress, packer->packed);
	}
	return 0;
}

// The blocks of a content that is in its place.
static void content_describe(const struct tree_inode *inode, struct squashfs_content *content)
{
	content->start = inode->spool_offset;
	for (uint64_t done = 0; done < inode->size; done += BLOCK_SIZE) {
		uint64_t left = inode->size - done;

		squashfs_put32(&content->sizes,
		               (uint32_t)(left < BLOCK_SIZE ? left : BLOCK_SIZE) |
		                       BLOCK_NOT_COMPRESSED);
	}
}

static int file_pack(struct packer *packer, struct tree_inode *inode)
{
	struct squashfs_content content = { 0 };
	int result = 0;

	if (packer->spool->is_adopted)
		content_describe(inode, &content);
	else
		result = content_write(packer, inode, &content);
	if (result == 0)
		result = squashfs_inode_add(&packer->image, inode, &content, NULL, packer->err);
	squashfs_bytes_free(&content.sizes);
	return result;
}

static int listing_pack(struct packer *packer, struct tree_inode *inode,
                        struct tree_node *const *entries, size_t count, uint32_t parent)
{
	struct squashfs_listing listing;
	int result = squashfs_listing_add(&packer->image, entries, count, &listing, packer->err);

	listing.parent = parent;
	listing.links = 2;
	for (size_t i = 0; i < count; i++)
		listing.links += S_ISDIR(entries[i]->inode->mode) ? 1 : 0;
	if (result == 0)
		result = squashfs_inode_add(&packer->image, inode, NULL, &listing, packer->err);
	squashfs_bytes_free(&listing.indexes);
	return result;
}

// Packs what is in `dir`, then `dir`. Recursion is as deep as the tree: TREE_MAX_PATH / 2 at most,
// with small frames.
static int directory_pack(struct packer *packer, struct tree_node *dir, uint32_t parent)
{
	struct tree_list list = tree_children(dir);
	int result = 0;

	for (size_t i = 0; i < list.count && result == 0; i++) {
		struct tree_inode *inode = list.nodes[i]->inode;

		if (inode->reference != TREE_NO_REFERENCE)
			continue;  // another name of it came first
		if (S_ISDIR(inode->mode))
			result = directory_pack(packer, list.nodes[i], dir->inode->number);
		else if (S_ISREG(inode->mode))
			result = file_pack(packer, inode);
		else
			result = squashfs_inode_add(&packer->image, inode, NULL, NULL, packer->err);
	}
	if (result == 0)
		result = listing_pack(packer, dir->inode, list.nodes, list.count, parent);
	free(list.nodes);
	return result;
}

// Packs the image's root and, around it, the directory whose one entry it is.
static int root_pack(struct packer *packer, struct tree *tree, struct tree_inode *outer)
{
	size_t size = sizeof(struct tree_node) + sizeof(PACK_ROOT_DIRECTORY);
	struct tree_node *entry = calloc(1, size);
	int result;

	if (!entry)
		return error_set(packer->err, "out of memory");
	memcpy(entry->name, PACK_ROOT_DIRECTORY, sizeof(PACK_ROOT_DIRECTORY));
	entry->inode = tree->root->inode;
	result = directory_pack(packer, tree->root, outer->number);
	if (result == 0)
		// The parent of the outermost directory is a number that no inode has.
		result = listing_pack(packer, outer, &entry, 1, packer->image.num_inodes + 1);
	free(entry);
	return result;
}

struct tables {
	uint64_t inodes;
	uint64_t directories;
	uint64_t exports;
	uint64_t ids;
	uint64_t xattrs;
};

static int exports_write(struct packer *packer, uint64_t *start)
{
	struct squashfs_bytes table = { 0 };
	int result;

	for (uint32_t i = 0; i < packer->image.num_inodes; i++)
		squashfs_put64(&table, packer->image.references[i]);
	result = squashfs_write_indexed(&packer->file, &table, start, packer->err);
	squashfs_bytes_free(&table);
	return result;
}

static int xattrs_write(struct packer *packer, uint64_t *start)
{
	struct squashfs_image *image = &packer->image;
	struct squashfs_bytes index = { 0 };
	struct squashfs_bytes head = { 0 };
	uint64_t values = packer->file.position;
	int result;

	*start = SQUASHFS_NO_TABLE;
	if (image->xattr_sets.size == 0)
		return 0;
	result = squashfs_write_table(&packer->file, &image->xattrs, NULL, packer->err);
	if (result == 0)
		result = squashfs_write_table(&packer->file, &image->xattr_sets, &index,
		                              packer->err);
	*start = packer->file.position;
	squashfs_put64(&head, values);
	squashfs_put32(&head, (uint32_t)(image->xattr_sets.size / 16));
	squashfs_put32(&head, 0);
	squashfs_put(&head, index.data, index.size);
	if (result == 0)
		result = squashfs_write(&packer->file, head.data, head.size, packer->err);
	squashfs_bytes_free(&head);
	squashfs_bytes_free(&index);
	return result;
}

// The order is what readers expect: each table's list of blocks ends where the next table begins.
static int tables_write(struct packer *packer, struct tables *tables)
{
	struct squashfs_image *image = &packer->image;
	struct squashfs_file *file = &packer->file;

	tables->inodes = file->position;
	if (squashfs_write_table(file, &image->inodes, NULL, packer->err) < 0)
		return -1;
	tables->directories = file->position;
	if (squashfs_write_table(file, &image->directories, NULL, packer->err) < 0 ||
	    exports_write(packer, &tables->exports) < 0 ||
	    squashfs_write_indexed(file, &image->ids, &tables->ids, packer->err) < 0)
		return -1;
	return xattrs_write(packer, &tables->xattrs);
}

static int super_write(struct packer *packer, const struct tables *tables, uint64_t root)
{
	struct squashfs_bytes super = { 0 };
	struct squashfs_file start = { .fd = packer->file.fd };
	static const char padding[FILE_ALIGNMENT];
	uint64_t used = packer->file.position;
	unsigned flags = INODES_NOT_COMPRESSED | DATA_NOT_COMPRESSED | FRAGMENTS_NOT_COMPRESSED |
		NO_FRAGMENTS | EXPORTABLE | XATTRS_NOT_COMPRESSED | IDS_NOT_COMPRESSED;
	int result;

	if (tables->xattrs == SQUASHFS_NO_TABLE)
		flags |= NO_XATTRS;
	squashfs_put32(&super, MAGIC);
	squashfs_put32(&super, packer->image.num_inodes);
	squashfs_put32(&super, 0);  // time of its making
	squashfs_put32(&super, BLOCK_SIZE);
	squashfs_put32(&super, 0);  // fragments
	squashfs_put16(&super, COMPRESSION_GZIP);
	squashfs_put16(&super, BLOCK_LOG);
	squashfs_put16(&super, flags);
	squashfs_put16(&super, (unsigned)(packer->image.ids.size / 4));
	squashfs_put16(&super, 4);  // version 4.0
	squashfs_put16(&super, 0);
	squashfs_put64(&super, root);
	squashfs_put64(&super, used);
	squashfs_put64(&super, tables->ids);
	squashfs_put64(&super, tables->xattrs);
	squashfs_put64(&super, tables->inodes);
	squashfs_put64(&super, tables->directories);
	squashfs_put64(&super, SQUASHFS_NO_TABLE);  // fragments
	squashfs_put64(&super, tables->exports);
	result = squashfs_write(&start, super.data, super.size, packer->err);
	squashfs_bytes_free(&super);
	if (result == 0 && used % FILE_ALIGNMENT != 0)
		result = squashfs_write(&packer->file, padding,
		                        FILE_ALIGNMENT - used % FILE_ALIGNMENT, packer->err);
	return result;
}

static int all_pack(struct packer *packer, struct tree *tree)
{
	struct tree_inode outer = { .links = 1, .mode = S_IFDIR | 0755 };
	struct tables tables;

	outer.number = ++packer->image.num_inodes;
	tree->root->inode->number = ++packer->image.num_inodes;
	inodes_number(packer, tree->root);
	packer->image.references = calloc(packer->image.num_inodes, sizeof(uint64_t));
	if (!packer->image.references)
		return error_set(packer->err, "out of memory");
	packer->file.position = SQUASHFS_CONTENTS;
	if (packer->spool->is_adopted) {
		if (spool_flush(packer->spool, packer->err) < 0)
			return -1;
		packer->file.position = packer->spool->size;
	}
	if (root_pack(packer, tree, &outer) < 0 || tables_write(packer, &tables) < 0)
		return -1;
	return super_write(packer, &tables, outer.reference);
}

int squashfs_pack(struct tree *tree, struct spool *spool, int fd, struct progress *progress,
                  struct error *err)
{
	struct packer *packer = calloc(1, sizeof(*packer));
	int result;

	if (!packer)
		return error_set(err, "out of memory");
	packer->file.fd = fd;
	packer->spool = spool;
	packer->progress = progress;
	packer->err = err;
	result = all_pack(packer, tree);
	squashfs_bytes_free(&packer->image.inodes);
	squashfs_bytes_free(&packer->image.directories);
	squashfs_bytes_free(&packer->image.ids);
	squashfs_bytes_free(&packer->image.xattrs);
	squashfs_bytes_free(&packer->image.xattr_sets);
	free(packer->image.references);
	free(packer);
	return result;
}
