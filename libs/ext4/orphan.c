// SPDX-License-Identifier: MIT
#include "libs/ext4/orphan.h"

#include "libs/abi/linux_error.h"
#include "libs/ext4/internal.h"

static int first_orphan(struct update *u, uint32_t *out)
{
	const uint8_t *bytes;
	int status = update_read(u, 0, &bytes);

	if (status == 0)
		*out = ((const struct disk_super *)(const void *)(bytes + SUPER_OFFSET))
			       ->last_orphan;
	return status;
}

static int set_first(struct update *u, uint32_t number)
{
	struct disk_super *super;
	int status = super_write(u, &super);

	if (status != 0)
		return status;
	super->last_orphan = number;
	super_store(super);
	return 0;
}

int orphan_add(struct update *u, struct inode *inode)
{
	int status = first_orphan(u, &inode->raw.dtime);

	return status != 0 ? status : set_first(u, inode->number);
}

// The orphan whose next one is `number`, into `before`; number 0 there: `number` is the first.
// -LINUX_ENOENT: it is not on the list.
static int find_before(struct update *u, uint32_t number, struct inode *before)
{
	uint32_t limit = u->fs->super.num_inodes, at;
	int status = first_orphan(u, &at);

	before->number = 0;
	for (; status == 0 && at != number; at = before->raw.dtime) {
		if (at == 0)
			return -LINUX_ENOENT;
		if (limit-- == 0)
			return damaged(u->fs, "the list of orphans has no end");
		status = inode_load_raw(u, at, before);
	}
	return status;
}

int orphan_remove(struct update *u, struct inode *inode)
{
	struct inode before;
	int status = find_before(u, inode->number, &before);

	if (status == -LINUX_ENOENT)
		return damaged(u->fs, "inode %u is not on the list of orphans", inode->number);
	if (status != 0)
		return status;
	if (before.number == 0) {
		status = set_first(u, inode->raw.dtime);
	} else {
		before.raw.dtime = inode->raw.dtime;
		status = inode_store(u, &before);
	}
	inode->raw.dtime = 0;
	return status;
}

int orphan_has(struct update *u, const struct inode *inode, bool *out)
{
	struct inode before;
	int status = 0;

	*out = true;
	if (inode->raw.dtime != 0)
		return 0;
	status = find_before(u, inode->number, &before);
	*out = status == 0;
	return status == -LINUX_ENOENT ? 0 : status;
}

int ext4_orphans(struct update *u, void (*found)(void *context, struct ext4_node node, bool named),
                 void *context)
{
	uint32_t limit = u->fs->super.num_inodes, at;
	int status = first_orphan(u, &at);

	while (status == 0 && at != 0) {
		struct inode inode;

		if (limit-- == 0 || at < u->fs->super.first_inode || at > u->fs->super.num_inodes)
			return damaged(u->fs, "the list of orphans is not sound");
		status = inode_load_raw(u, at, &inode);
		if (status != 0)
			return status;
		found(context, (struct ext4_node){ at, inode.raw.generation }, inode.raw.links > 0);
		at = inode.raw.dtime;
	}
	return status;
}
