// SPDX-License-Identifier: MIT
//
// Names: what a folder has, and what comes into it and goes.
#include "apps/fs/fs.h"
#include "libs/base/string.h"

#define CREATE_EXCL 0x80u
#define SYMLINK_MODE (LINUX_S_IFLNK | 0x1ffu)
#define TARGET_MAX (EXT4_BLOCK_SIZE - 1)

// Puts an entry that the session has looked up by this.
static void entry_put(struct call *call, struct ext4_node parent, const struct ext4_attr *attr)
{
	struct fuse_entry_out out;

	entry_to_fuse(call, parent, attr, &out);
	call_put(call, &out, sizeof(out));
	call->gives_entry = true;
	call->entry_node = attr->node;
}

int op_lookup(struct call *call)
{
	struct reader body = call_reader(call);
	struct ext4_attr attr;
	struct span name;
	int result = call_name(&body, &name);

	if (result == 0)
		result = call_begin(call, 0);
	else
		return result;
	if (result == 0)
		result = ext4_lookup(&call->fs->update, call->node->id, name, &attr);
	result = call_end_read(call, result);
	if (result == 0) {
		entry_put(call, call->node->id, &attr);
	} else if (result == -LINUX_ENOENT) {
		// The client may remember that there is none.
		struct fuse_entry_out none = {
			.entry_valid =
				node_is_shared(call->session, call->node->id) ? 0 : FS_VALID_ALONE,
		};

		call_put(call, &none, sizeof(none));
		result = 0;
	}
	return result;
}

int op_readlink(struct call *call)
{
	size_t len = EXT4_BLOCK_SIZE;
	int result = call_room(call, EXT4_BLOCK_SIZE);

	if (result == 0)
		result = call_begin(call, 0);
	if (result == 0)
		result = ext4_readlink(&call->fs->update, call->node->id, call->out, &len);
	if (result == 0)
		call->out_len = (uint32_t)len;
	return call_end_read(call, result);
}

// --- New ones ------------------------------------------------------------------------------------

// Makes the node, as the request's user. What `open` has follows the entry in the reply.
static int make(struct call *call, struct span name, struct ext4_new *what,
                const struct fuse_open_out *open)
{
	struct ext4_attr attr;
	int result = node_room(call->session);

	// Nothing is made that could not be told of.
	if (result == 0 && name.data == NULL)
		result = session_nameless_room(call->session);
	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_NAMES);
	what->uid = call->in.uid;
	what->gid = call->in.gid;
	if (result == 0)
		result = name.data != NULL
			? ext4_create(&call->fs->update, call->node->id, name, what, &attr)
			: ext4_create_unnamed(&call->fs->update, call->node->id, what, &attr);
	if (result == 0) {
		entry_put(call, call->node->id, &attr);
		if (open != NULL)
			call_put(call, open, sizeof(*open));
		call->gives_nameless = name.data == NULL;
	}
	return call_end(call, result);
}

int op_mknod(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_mknod_in in;
	struct ext4_new what = { 0 };
	struct span name;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0)
		result = call_name(&body, &name);
	if (result == 0 &&
	    ((in.mode & LINUX_S_IFMT) == LINUX_S_IFDIR ||
	     (in.mode & LINUX_S_IFMT) == LINUX_S_IFLNK))
		result = -LINUX_EINVAL;
	if (result != 0)
		return result;
	what.mode = in.mode & (LINUX_S_IFMT | 07777u);
	if ((what.mode & LINUX_S_IFMT) == 0)
		what.mode |= LINUX_S_IFREG;
	what.device = in.rdev;
	return make(call, name, &what, NULL);
}

int op_mkdir(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_mkdir_in in;
	struct ext4_new what = { 0 };
	struct span name;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0)
		result = call_name(&body, &name);
	if (result != 0)
		return result;
	what.mode = LINUX_S_IFDIR | (in.mode & 07777u);
	return make(call, name, &what, NULL);
}

int op_symlink(struct call *call)
{
	struct reader body = call_reader(call);
	struct ext4_new what = { .mode = SYMLINK_MODE };
	struct span name;
	int result = call_name(&body, &name);

	if (result == 0)
		result = call_string(&body, &what.target);
	if (result != 0)
		return result;
	if (what.target.len == 0 || what.target.len > TARGET_MAX)
		return -LINUX_ENAMETOOLONG;
	return make(call, name, &what, NULL);
}

static int create(struct call *call, bool named)
{
	const struct fuse_open_out open = { .open_flags = FOPEN_KEEP_CACHE };
	struct reader body = call_reader(call);
	struct fuse_create_in in;
	struct ext4_new what = { 0 };
	struct span name = { .data = NULL };
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0 && named)
		result = call_name(&body, &name);
	if (result != 0)
		return result;
	what.mode = LINUX_S_IFREG | (in.mode & 07777u);
	result = make(call, name, &what, &open);
	// Another client was faster: this one looks again.
	return result == -LINUX_EEXIST && (in.flags & CREATE_EXCL) == 0 ? -LINUX_ESTALE : result;
}

int op_create(struct call *call)
{
	return create(call, true);
}

int op_tmpfile(struct call *call)
{
	return create(call, false);
}

int op_link(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_link_in in;
	struct ext4_node target;
	struct ext4_attr attr;
	struct span name;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0)
		result = call_name(&body, &name);
	if (result == 0)
		result = node_find(call, in.oldnodeid, &target);
	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_NAMES);
	if (result == 0)
		result = ext4_link(&call->fs->update, target, call->node->id, name, &attr);
	if (result == 0)
		entry_put(call, call->node->id, &attr);
	result = call_end(call, result);
	if (result == 0)
		node_named(call->fs, target);
	return result;
}

// --- What goes -----------------------------------------------------------------------------------

static int remove_name(struct call *call, bool folder)
{
	struct update *u = &call->fs->update;
	struct reader body = call_reader(call);
	struct ext4_attr attr = { 0 };
	struct span name;
	int result = call_name(&body, &name);

	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_NAMES);
	if (result == 0)
		result = folder ? ext4_rmdir(u, call->node->id, name, &attr)
				: ext4_unlink(u, call->node->id, name, &attr);
	if (result == 0 && attr.links == 0)
		result = node_nameless_room(call->fs, attr.node);
	result = call_end(call, result);
	if (result == 0 && attr.links == 0)
		node_nameless(call->fs, attr.node);
	return result;
}

int op_unlink(struct call *call)
{
	return remove_name(call, false);
}

int op_rmdir(struct call *call)
{
	return remove_name(call, true);
}

static int rename_as(struct call *call, struct reader *body, uint64_t new_dir, uint32_t flags)
{
	struct ext4_attr replaced = { .node.inode = 0 };
	struct span name, new_name;
	struct ext4_node to;
	uint32_t ext4_flags = 0;
	int result = call_name(body, &name);

	if (result == 0)
		result = call_name(body, &new_name);
	if (result == 0 && (flags & ~(FUSE_RENAME_NOREPLACE | FUSE_RENAME_EXCHANGE)) != 0)
		result = -LINUX_EINVAL;
	if (result == 0)
		result = node_find(call, new_dir, &to);
	if (result != 0)
		return result;
	if ((flags & FUSE_RENAME_NOREPLACE) != 0)
		ext4_flags |= EXT4_RENAME_NOREPLACE;
	if ((flags & FUSE_RENAME_EXCHANGE) != 0)
		ext4_flags |= EXT4_RENAME_EXCHANGE;
	result = call_begin(call, EXT4_CREDITS_NAMES);
	if (result == 0)
		result = ext4_rename(&call->fs->update, call->node->id, name, to, new_name,
		                     ext4_flags, &replaced);
	if (result == 0 && replaced.node.inode != 0 && replaced.links == 0)
		result = node_nameless_room(call->fs, replaced.node);
	result = call_end(call, result);
	if (result == 0 && replaced.node.inode != 0 && replaced.links == 0)
		node_nameless(call->fs, replaced.node);
	return result;
}

int op_rename(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_rename_in in;
	int result = call_take(&body, &in, sizeof(in));

	return result != 0 ? result : rename_as(call, &body, in.newdir, 0);
}

int op_rename2(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_rename2_in in;
	int result = call_take(&body, &in, sizeof(in));

	return result != 0 ? result : rename_as(call, &body, in.newdir, in.flags);
}
