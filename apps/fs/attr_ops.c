// SPDX-License-Identifier: MIT
//
// Attributes of nodes, and sizes of files.
#include "apps/fs/fs.h"

#define NSEC_MAX 999999999u
#define SETUID 0x800u
#define SETGID 0x400u
#define GROUP_EXECUTE 0x8u
#define SETTABLE_MODE 0xfffu
#define SETTABLE (FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME)
// The last size that extents have numbers for.
#define OPEN_TRUNCATE 0x200u
#define MAX_SIZE (((uint64_t)UINT32_MAX - 1) * EXT4_BLOCK_SIZE)

// --- To the client -------------------------------------------------------------------------------

void attr_to_fuse(const struct ext4_attr *attr, struct fuse_attr *out)
{
	*out = (struct fuse_attr){ .ino = attr->node.inode,
		                   .size = attr->size,
		                   .blocks = attr->blocks,
		                   .atime = (uint64_t)attr->atime.seconds,
		                   .mtime = (uint64_t)attr->mtime.seconds,
		                   .ctime = (uint64_t)attr->ctime.seconds,
		                   .atimensec = attr->atime.nanoseconds,
		                   .mtimensec = attr->mtime.nanoseconds,
		                   .ctimensec = attr->ctime.nanoseconds,
		                   .mode = attr->mode,
		                   .nlink = attr->links,
		                   .uid = attr->uid,
		                   .gid = attr->gid,
		                   .rdev = attr->device,
		                   .blksize = EXT4_BLOCK_SIZE,
		                   .flags = FUSE_ATTR_STATELESS };
}

void entry_to_fuse(const struct call *call, struct ext4_node parent, const struct ext4_attr *attr,
                   struct fuse_entry_out *out)
{
	const struct session *session = call->session;
	uint64_t valid = node_valid(session, attr->node);

	*out = (struct fuse_entry_out){ .nodeid = node_id(session, attr->node),
		                        .generation = attr->node.generation,
		                        .entry_valid = valid,
		                        .attr_valid = valid };
	attr_to_fuse(attr, &out->attr);
	if (session->volumes && parent.inode == session->root.inode &&
	    (attr->mode & LINUX_S_IFMT) == LINUX_S_IFDIR && (session->flags & FUSE_SUBMOUNTS) != 0)
		out->attr.flags |= FUSE_ATTR_SUBMOUNT;
}

static void attr_put(struct call *call, const struct ext4_attr *attr)
{
	struct fuse_attr_out out = { .attr_valid = node_valid(call->session, attr->node) };

	attr_to_fuse(attr, &out.attr);
	call_put(call, &out, sizeof(out));
}

int op_getattr(struct call *call)
{
	struct ext4_attr attr;
	int result = call_begin(call, 0);

	if (result == 0)
		result = ext4_getattr(&call->fs->update, call->node->id, &attr);
	if (result == 0)
		attr_put(call, &attr);
	return call_end_read(call, result);
}

// --- From the client -----------------------------------------------------------------------------

uint32_t mode_without_setid(uint32_t mode)
{
	if ((mode & LINUX_S_IFMT) == LINUX_S_IFDIR)
		return mode;
	return mode & ~(SETUID | ((mode & GROUP_EXECUTE) != 0 ? SETGID : 0));
}

int kill_setid(struct call *call)
{
	struct update *u = &call->fs->update;
	struct ext4_attr attr;
	int result = ext4_getattr(u, call->node->id, &attr);

	if (result != 0 || mode_without_setid(attr.mode) == attr.mode)
		return result;
	attr.mode = mode_without_setid(attr.mode);
	return ext4_setattr(u, call->node->id, EXT4_SET_MODE, &attr);
}

static struct ext4_time time_of(uint64_t seconds, uint32_t nanoseconds, bool now)
{
	if (now)
		return fs_time();
	return (struct ext4_time){ .seconds = (int64_t)seconds, .nanoseconds = nanoseconds };
}

// A request that names nothing is a chown(-1, -1): it takes setuid and setgid as any other does, of
// which Linux's FUSE says nothing.
static bool takes_setid(const struct call *call, const struct fuse_setattr_in *in, uint32_t owner)
{
	if ((in->valid & (FATTR_UID | FATTR_GID | FATTR_KILL_SUIDGID)) != 0)
		return true;
	return (in->valid & SETTABLE) == 0 && (call->in.uid == 0 || call->in.uid == owner);
}

// Which attributes a request sets, and to what, of a file that has `attr` now.
static uint32_t wanted(const struct call *call, const struct fuse_setattr_in *in,
                       struct ext4_attr *attr)
{
	uint32_t which = 0;

	if (takes_setid(call, in, attr->uid)) {
		attr->mode = mode_without_setid(attr->mode);
		which |= EXT4_SET_MODE;
	}
	if ((in->valid & FATTR_MODE) != 0) {
		attr->mode = (attr->mode & LINUX_S_IFMT) | (in->mode & SETTABLE_MODE);
		which |= EXT4_SET_MODE;
	}
	if ((in->valid & FATTR_UID) != 0) {
		attr->uid = in->uid;
		which |= EXT4_SET_UID;
	}
	if ((in->valid & FATTR_GID) != 0) {
		attr->gid = in->gid;
		which |= EXT4_SET_GID;
	}
	if ((in->valid & FATTR_ATIME) != 0) {
		attr->atime = time_of(in->atime, in->atimensec, in->valid & FATTR_ATIME_NOW);
		which |= EXT4_SET_ATIME;
	}
	if ((in->valid & FATTR_MTIME) != 0) {
		attr->mtime = time_of(in->mtime, in->mtimensec, in->valid & FATTR_MTIME_NOW);
		which |= EXT4_SET_MTIME;
	}
	return which;
}

// What lies behind the end of a file is seen when it grows.
static int zero_tail(struct call *call, uint64_t size)
{
	struct ext4_attr attr = { 0 };
	uint64_t end;
	int result = call_begin(call, 0);

	if (result == 0)
		result = ext4_getattr(&call->fs->update, call->node->id, &attr);
	if (result == 0 && (attr.mode & LINUX_S_IFMT) != LINUX_S_IFREG)
		result = (attr.mode & LINUX_S_IFMT) == LINUX_S_IFDIR ? -LINUX_EISDIR
								     : -LINUX_EINVAL;
	result = call_end_read(call, result);
	if (result != 0 || size <= attr.size || attr.size % EXT4_BLOCK_SIZE == 0)
		return result;
	end = (attr.size / EXT4_BLOCK_SIZE + 1) * EXT4_BLOCK_SIZE;
	return data_zero(call, attr.size, end);
}

// The size, when it is there for the whole call, and then all in one update.
static int set_size(struct call *call, uint64_t size)
{
	int result;

	if (size > MAX_SIZE)
		return -LINUX_EFBIG;
	result = call_lock(call, LOCK_EXCLUSIVE);
	if (result == 0 && call->stage == 0)
		result = zero_tail(call, size);
	if (result == 0)
		call->stage = 1;
	return result;
}

int op_setattr(struct call *call)
{
	struct update *u = &call->fs->update;
	struct reader body = call_reader(call);
	struct fuse_setattr_in in;
	struct ext4_attr attr;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0 && (in.atimensec > NSEC_MAX || in.mtimensec > NSEC_MAX))
		result = -LINUX_EINVAL;
	if (result == 0 && call->session->read_only)
		result = -LINUX_EROFS;
	if (result == 0 && (in.valid & FATTR_SIZE) != 0)
		result = set_size(call, in.size);
	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_TRUNCATE + 1);
	if (result == 0 && (in.valid & FATTR_SIZE) != 0)
		result = ext4_truncate(u, call->node->id, in.size);
	if (result == 0)
		result = ext4_getattr(u, call->node->id, &attr);
	if (result == 0)
		result = ext4_setattr(u, call->node->id, wanted(call, &in, &attr), &attr);
	if (result == 0)
		attr_put(call, &attr);
	return call_end(call, result);
}

// An open is nothing that would have to be kept; but it may cut the file.
int op_open(struct call *call)
{
	const struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE };
	struct reader body = call_reader(call);
	struct fuse_open_in in;
	int result = call_take(&body, &in, sizeof(in));

	if (result != 0)
		return result;
	if ((call->session->flags & FUSE_NO_OPEN_SUPPORT) != 0)
		return -LINUX_ENOSYS;
	if ((in.flags & OPEN_TRUNCATE) == 0) {
		call_put(call, &out, sizeof(out));
		return 0;
	}
	result = set_size(call, 0);
	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_TRUNCATE + 1);
	if (result == 0)
		result = ext4_truncate(&call->fs->update, call->node->id, 0);
	if (result == 0 && (in.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0)
		result = kill_setid(call);
	if (result == 0)
		call_put(call, &out, sizeof(out));
	return call_end(call, result);
}
