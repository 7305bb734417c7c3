// SPDX-License-Identifier: MIT
//
// Extents that come into the tree. A full node is split, the one nearest to the root first, and
// the way is looked for again: so each step is small, and a step for each level is enough.
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/extent_tree.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"
#include "libs/starina/log.h"

int extent_fix_keys(struct update *u, struct inode *inode, const struct extent_path *path,
                    uint32_t level)
{
	const struct extent_node *node;
	int status = extent_read(u, inode, path, level, &node);
	uint32_t key;

	if (status != 0)
		return status;
	key = node->entries[0].block;
	while (level > 0) {
		struct extent_node *parent;
		int32_t at = path->levels[--level].at;

		status = extent_write(u, inode, path, level, &parent);
		if (status != 0)
			return status;
		parent->entries[at].block = key;
		extent_store(inode, path, level, parent);
		if (at > 0)
			return 0;
	}
	return 0;
}

static void insert_at(struct extent_node *node, uint32_t at, const struct disk_extent *e)
{
	assert(node->header.entries < node->header.max && at <= node->header.entries);
	memmove(&node->entries[at + 1], &node->entries[at],
	        (node->header.entries - at) * sizeof(*e));
	node->entries[at] = *e;
	node->header.entries++;
}

static void remove_at(struct extent_node *node, uint32_t at)
{
	node->header.entries--;
	memmove(&node->entries[at], &node->entries[at + 1],
	        (node->header.entries - at) * sizeof(node->entries[0]));
}

static int new_node(struct update *u, struct inode *inode, uint64_t goal, uint32_t depth,
                    uint64_t *disk, struct extent_node **out)
{
	uint8_t *bytes;
	int status = blocks_take_one(u, goal, disk);

	if (status == 0)
		status = update_new(u, *disk, &bytes);
	if (status != 0)
		return status;
	*out = (void *)bytes;
	(*out)->header = (struct disk_extent_header){ .magic = EXTENT_MAGIC,
		                                      .max = EXTENTS_IN_BLOCK,
		                                      .depth = (uint16_t)depth };
	*block_kind(bytes) = KIND_EXTENTS;
	inode_add_blocks(inode, 1);
	return 0;
}

static void set_child(struct disk_extent *e, uint32_t key, uint64_t disk)
{
	*e = (struct disk_extent){ .block = key };
	e->node_lo = (uint32_t)disk;
	e->node_hi = (uint16_t)(disk >> 32);
}

static uint64_t tree_goal(const struct ext4 *fs, const struct inode *inode)
{
	return (uint64_t)((inode->number - 1) / fs->super.inodes_per_group) *
		fs->super.blocks_per_group;
}

// Moves what is in the root to a block, and makes that the root's only child.
static int grow(struct update *u, struct inode *inode)
{
	struct extent_node *root = (void *)inode->raw.block, *node;
	struct extent_path path = { .depth = 1 };
	uint64_t disk;
	int status;

	if (root->header.depth == EXTENT_MAX_DEPTH)
		return -LINUX_EFBIG;
	status = new_node(u, inode, tree_goal(u->fs, inode), root->header.depth, &disk, &node);
	if (status != 0)
		return status;
	memcpy(node->entries, root->entries, root->header.entries * sizeof(root->entries[0]));
	node->header.entries = root->header.entries;
	path.levels[1].disk = disk;
	extent_store(inode, &path, 1, node);
	set_child(&root->entries[0], root->entries[0].block, disk);
	root->header.entries = 1;
	root->header.depth++;
	return 0;
}

// Splits the node of a level in two, in the middle, or at its end for what grows there.
static int split(struct update *u, struct inode *inode, const struct extent_path *path,
                 uint32_t level)
{
	struct extent_path other = *path;
	struct extent_node *node, *second, *parent;
	struct disk_extent child;
	uint32_t keep;
	uint64_t disk;
	int status = extent_write(u, inode, path, level, &node);

	if (status == 0)
		status = extent_write(u, inode, path, level - 1, &parent);
	if (status == 0)
		status = new_node(u, inode, path->levels[level].disk, node->header.depth, &disk,
		                  &second);
	if (status != 0)
		return status;
	keep = path->levels[level].at + 1 == node->header.entries ? node->header.entries - 1u
								  : node->header.entries / 2u;
	second->header.entries = (uint16_t)(node->header.entries - keep);
	memcpy(second->entries, &node->entries[keep],
	       second->header.entries * sizeof(second->entries[0]));
	node->header.entries = (uint16_t)keep;
	set_child(&child, second->entries[0].block, disk);
	insert_at(parent, (uint32_t)path->levels[level - 1].at + 1, &child);
	other.levels[level].disk = disk;
	extent_store(inode, path, level, node);
	extent_store(inode, &other, level, second);
	extent_store(inode, path, level - 1, parent);
	return 0;
}

// Makes room on the way: splits one node, or makes the tree deeper.
static int make_room(struct update *u, struct inode *inode, const struct extent_path *path)
{
	for (uint32_t level = path->depth; level-- > 0;) {
		const struct extent_node *node;
		int status = extent_read(u, inode, path, level, &node);

		if (status != 0)
			return status;
		if (node->header.entries < node->header.max)
			return split(u, inode, path, level + 1);
	}
	return grow(u, inode);
}

// Joins `e`, whose place in the leaf is `at`, with its neighbours, if they fit. False: it cannot
// be.
static bool join(struct extent_node *leaf, uint32_t at, const struct disk_extent *e,
                 bool *first_changed)
{
	struct disk_extent *before = at > 0 ? &leaf->entries[at - 1] : NULL;
	struct disk_extent *after = at < leaf->header.entries ? &leaf->entries[at] : NULL;

	*first_changed = false;
	if (before != NULL && extent_can_join(before, e)) {
		before->len = (uint16_t)(before->len + extent_len(e));
		if (after != NULL && extent_can_join(before, after)) {
			before->len = (uint16_t)(before->len + extent_len(after));
			remove_at(leaf, at);
		}
		return true;
	}
	if (after == NULL || !extent_can_join(e, after))
		return false;
	extent_set(after, e->block, extent_disk(e), extent_len(e) + extent_len(after),
	           extent_is_unwritten(e));
	*first_changed = at == 0;
	return true;
}

static int insert(struct update *u, struct inode *inode, const struct disk_extent *e)
{
	for (;;) {
		struct extent_path path;
		struct extent_node *leaf;
		bool first_changed;
		uint32_t at;
		int status = extent_find(u, inode, e->block, &path);

		if (status == 0)
			status = extent_write(u, inode, &path, path.depth, &leaf);
		if (status != 0)
			return status;
		at = (uint32_t)(path.levels[path.depth].at + 1);
		if ((at > 0 && extent_end(&leaf->entries[at - 1]) > e->block) ||
		    (at < leaf->header.entries && leaf->entries[at].block < extent_end(e)))
			return damaged(u->fs, "inode %u has blocks where a hole was",
			               inode->number);
		if (!join(leaf, at, e, &first_changed)) {
			if (leaf->header.entries == leaf->header.max) {
				status = make_room(u, inode, &path);
				if (status != 0)
					return status;
				continue;
			}
			insert_at(leaf, at, e);
			first_changed = at == 0;
		}
		extent_store(inode, &path, path.depth, leaf);
		return first_changed ? extent_fix_keys(u, inode, &path, path.depth) : 0;
	}
}

int extent_insert(struct update *u, struct inode *inode, uint32_t block, uint64_t disk,
                  uint32_t count, bool unwritten)
{
	uint32_t max = unwritten ? EXTENT_MAX_LEN - 1 : EXTENT_MAX_LEN;
	int status = 0;

	while (status == 0 && count > 0) {
		uint32_t n = count < max ? count : max;
		struct disk_extent e;

		extent_set(&e, block, disk, n, unwritten);
		status = insert(u, inode, &e);
		block += n;
		disk += n;
		count -= n;
	}
	return status;
}
