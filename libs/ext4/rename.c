// SPDX-License-Identifier: MIT
#include "libs/abi/linux_error.h"
#include "libs/ext4/dir.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/names.h"

// How deep folders may lie in each other, for a disk on which they go round.
#define MAX_DEPTH 65536u

struct renaming {
	struct update *u;
	struct span name, new_name;
	struct inode from;         // the folder of `name`
	struct inode other;        // that of `new_name`, if it is not the same
	struct inode *to;          // one of these two
	struct inode node;         // what has `name`
	struct inode replaced;     // what has `new_name`; number 0: nothing
	struct dir_slot slot;      // of `name`
	struct dir_slot new_slot;  // of `new_name`
};

// The folder above one.
static int go_up(struct update *u, struct inode *at)
{
	uint32_t parent;
	int status = dir_parent(u, at, &parent);

	if (status == 0)
		status = inode_load(u, parent, at);
	if (status == 0 && !inode_is(at, MODE_DIR))
		status = damaged(u->fs, "the folder of inode %u is in what is none", at->number);
	return status;
}

// -LINUX_EINVAL: `dir` lies in the folder `number`, or is it.
static int check_outside(struct update *u, const struct inode *dir, uint32_t number)
{
	const struct walk *w = walk_find(u->fs, WALK_OUTSIDE, dir->number, number);
	uint32_t depth = w == NULL ? 0 : w->steps;
	struct inode at = *dir;
	int status = w == NULL ? 0 : inode_load(u, w->at, &at);

	for (; status == 0 && depth < MAX_DEPTH; depth++) {
		if (at.number == number)
			return -LINUX_EINVAL;
		if (at.number == EXT4_ROOT_INODE)
			return 0;
		if (depth >= WALK_SHORT)
			walk_note(u->fs, WALK_OUTSIDE, dir->number, number, at.number, depth);
		status = go_up(u, &at);
	}
	return status != 0 ? status
			   : damaged(u->fs, "the folder of inode %u is in itself", dir->number);
}

static int load(struct renaming *r, struct ext4_node dir, struct ext4_node new_dir)
{
	int status = names_check(r->name);

	if (status == 0)
		status = names_check(r->new_name);
	if (status == 0)
		status = names_load_dir(r->u, dir, &r->from);
	if (status == 0 && dir.inode != new_dir.inode) {
		r->to = &r->other;
		status = names_load_dir(r->u, new_dir, &r->other);
	}
	if (status == 0)
		status = names_find(r->u, &r->from, r->name, &r->slot, &r->node);
	if (status == 0 && r->to->raw.links == 0)
		status = -LINUX_ENOENT;
	if (status != 0)
		return status;
	r->replaced.number = 0;
	status = names_find(r->u, r->to, r->new_name, &r->new_slot, &r->replaced);
	if (status == -LINUX_ENOENT)
		r->replaced.number = 0;
	return status == -LINUX_ENOENT ? 0 : status;
}

static int check(struct renaming *r, uint32_t flags)
{
	const bool exchange = (flags & EXT4_RENAME_EXCHANGE) != 0;
	const bool is_dir = inode_is(&r->node, MODE_DIR);
	int status = 0;

	if ((flags & EXT4_RENAME_NOREPLACE) != 0 && (exchange || r->replaced.number != 0))
		return exchange ? -LINUX_EINVAL : -LINUX_EEXIST;
	if (exchange && r->replaced.number == 0)
		return -LINUX_ENOENT;
	if (r->replaced.number == r->node.number)
		return 0;
	if (is_dir && r->to != &r->from)
		status = check_outside(r->u, r->to, r->node.number);
	if (status != 0 || r->replaced.number == 0)
		return status;
	if (exchange)
		return inode_is(&r->replaced, MODE_DIR) && r->to != &r->from
			? check_outside(r->u, &r->from, r->replaced.number)
			: 0;
	if (is_dir && !inode_is(&r->replaced, MODE_DIR))
		return -LINUX_ENOTDIR;
	if (!is_dir && inode_is(&r->replaced, MODE_DIR))
		return -LINUX_EISDIR;
	if (r->replaced.number == r->from.number)
		return -LINUX_ENOTEMPTY;
	return is_dir ? dir_check_empty(r->u, &r->replaced) : 0;
}

// A folder has moved from one folder to another.
static int move_dir(struct renaming *r, struct inode *dir, struct inode *from, struct inode *to)
{
	if (!inode_is(dir, MODE_DIR) || from == to)
		return 0;
	inode_drop_dir_link(from);
	inode_add_dir_link(to);
	walk_tree_changed(r->u->fs);
	return dir_set_parent(r->u, dir, to->number);
}

static int store(struct renaming *r)
{
	int status;

	inode_set_ctime(&r->node, r->u->fs->now);
	inode_stamp(r->u->fs, &r->from);
	status = inode_store(r->u, &r->node);
	if (status == 0)
		status = inode_store(r->u, &r->from);
	if (status == 0 && r->to != &r->from) {
		inode_stamp(r->u->fs, r->to);
		status = inode_store(r->u, r->to);
	}
	if (status == 0 && r->replaced.number != 0)
		status = inode_store(r->u, &r->replaced);
	return status;
}

static int exchange(struct renaming *r)
{
	struct update *u = r->u;
	int status = dir_replace(u, &r->from, &r->slot, r->replaced.number,
	                         dir_type(r->replaced.raw.mode));

	if (status == 0)
		status = dir_replace(u, r->to, &r->new_slot, r->node.number,
		                     dir_type(r->node.raw.mode));
	if (status == 0)
		status = move_dir(r, &r->node, &r->from, r->to);
	if (status == 0)
		status = move_dir(r, &r->replaced, r->to, &r->from);
	inode_set_ctime(&r->replaced, u->fs->now);
	return status != 0 ? status : store(r);
}

static int replace(struct renaming *r)
{
	struct update *u = r->u;
	uint8_t type = dir_type(r->node.raw.mode);
	int status;

	if (r->replaced.number != 0)
		status = dir_replace(u, r->to, &r->new_slot, r->node.number, type);
	else
		status = dir_insert(u, r->to, r->new_name, r->node.number, type);
	// The insertion may have moved it.
	if (status == 0)
		status = dir_find(u, &r->from, r->name, &r->slot);
	if (status == 0)
		status = dir_remove(u, &r->from, &r->slot);
	if (status == 0)
		status = move_dir(r, &r->node, &r->from, r->to);
	if (status == 0 && r->replaced.number != 0) {
		if (inode_is(&r->replaced, MODE_DIR))
			inode_drop_dir_link(r->to);
		status = names_drop(u, &r->replaced);
	}
	return status != 0 ? status : store(r);
}

int ext4_rename(struct update *u, struct ext4_node dir, struct span name, struct ext4_node new_dir,
                struct span new_name, uint32_t flags, struct ext4_attr *replaced)
{
	struct renaming r = { .u = u, .name = name, .new_name = new_name };
	int status;

	r.to = &r.from;
	*replaced = (struct ext4_attr){ .links = 0 };
	status = load(&r, dir, new_dir);
	if (status == 0)
		status = check(&r, flags);
	if (status != 0 || r.replaced.number == r.node.number)
		return status;
	if ((flags & EXT4_RENAME_EXCHANGE) != 0)
		return exchange(&r);
	status = replace(&r);
	if (status == 0 && r.replaced.number != 0)
		inode_attr(&r.replaced, replaced);
	return status;
}
