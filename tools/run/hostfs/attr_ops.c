// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

int op_lookup(struct call *call)
{
	struct fuse_entry_out entry;
	struct node *node;
	const char *name;
	int result = call_name(call, &name);

	if (result == 0)
		result = node_lookup(call->fs, call->node, name, &node);
	if (result == -ENOENT && !call->node->is_root) {
		entry = (struct fuse_entry_out){ .entry_valid = VALID_SECONDS };
		return call_put(call, &entry, sizeof(entry));
	}
	if (result < 0)
		return result;
	result = node_entry(call->fs, node, &entry);
	if (result == 0)
		result = call_put(call, &entry, sizeof(entry));
	if (result < 0)
		node_forget(call->fs, node, 1);
	return result;
}

static int attr_put(struct call *call)
{
	struct fuse_attr_out out = { .attr_valid = VALID_SECONDS };
	int result = node_attr(call->fs, call->node, &out.attr);

	return result < 0 ? result : call_put(call, &out, sizeof(out));
}

int op_getattr(struct call *call)
{
	return attr_put(call);
}

#define OWNERSHIP (FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_KILL_SUIDGID)

// A chown(-1, -1).
static bool names_nothing(const struct fuse_setattr_in *set)
{
	return !(set->valid & (OWNERSHIP | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME));
}

// Giving a file away takes setuid and setgid, unless the same request says otherwise. So does one
// that names nothing, though Linux's FUSE does not say so.
static bool takes_setid(const struct call *call, const struct fuse_setattr_in *set,
                        const struct ownership *before)
{
	if (S_ISDIR(before->mode) || (set->valid & FATTR_MODE))
		return false;
	if (set->valid & (FATTR_UID | FATTR_GID | FATTR_KILL_SUIDGID))
		return true;
	return names_nothing(set) && (call->in.uid == 0 || call->in.uid == before->uid);
}

static int set_ownership(struct call *call, const struct fuse_setattr_in *set)
{
	struct ownership wanted;
	struct ownership before;
	struct stat st;

	if (fstat(call->node->fd, &st) < 0)
		return -errno;
	ownership_read(call->fs, call->node, &st, &before);
	wanted = before;
	if (set->valid & FATTR_MODE)
		wanted.mode = (before.mode & S_IFMT) | (set->mode & 07777);
	if (set->valid & FATTR_UID)
		wanted.uid = set->uid;
	if (set->valid & FATTR_GID)
		wanted.gid = set->gid;
	if (takes_setid(call, set, &before))
		wanted.mode &= ~(mode_t)(S_ISUID | (before.mode & S_IXGRP ? S_ISGID : 0));
	if (wanted.uid == before.uid && wanted.gid == before.gid && wanted.mode == before.mode) {
		// What changes nothing changes ctime all the same.
		if (((set->valid & (FATTR_MODE | FATTR_UID | FATTR_GID)) || names_nothing(set)) &&
		    !S_ISLNK(before.mode))
			(void)!chmod(node_path(call->node).text, st.st_mode & 07777);
		return 0;
	}
	return ownership_write(call->fs, call->node, &st, &wanted);
}

static int set_size(struct call *call, const struct fuse_setattr_in *set)
{
	struct handle *handle = set->valid & FATTR_FH ? handle_file(call->fs, call->node, set->fh)
						      : NULL;
	int fd = handle ? handle->fd : node_open(call->fs, call->node, O_WRONLY);
	int result;

	if (fd < 0)
		return fd;
	if (set->size > INT64_MAX)
		result = -EFBIG;
	else
		result = ftruncate(fd, (off_t)set->size) < 0 ? -errno : 0;
	if (!handle)
		close(fd);
	return result;
}

static struct timespec time_of(bool set, bool now, uint64_t seconds, uint32_t nanoseconds)
{
	if (!set)
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = nanoseconds % 1000000000 };
}

static int set_times(struct call *call, const struct fuse_setattr_in *set)
{
	const struct timespec times[2] = {
		time_of(set->valid & FATTR_ATIME, set->valid & FATTR_ATIME_NOW, set->atime,
		        set->atimensec),
		time_of(set->valid & FATTR_MTIME, set->valid & FATTR_MTIME_NOW, set->mtime,
		        set->mtimensec),
	};

	return utimensat(call->node->fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0
		? -errno
		: 0;
}

int op_setattr(struct call *call)
{
	struct fuse_setattr_in set;
	int result = call_take(call, &set, sizeof(set));

	if (result == 0)
		result = call_may_write(call);
	if (result == 0 && ((set.valid & OWNERSHIP) || names_nothing(&set)))
		result = set_ownership(call, &set);
	if (result == 0 && (set.valid & FATTR_SIZE))
		result = set_size(call, &set);
	if (result == 0 && (set.valid & (FATTR_ATIME | FATTR_MTIME)))
		result = set_times(call, &set);
	return result < 0 ? result : attr_put(call);
}

int op_readlink(struct call *call)
{
	char target[PATH_MAX];
	ssize_t length;

	if (!S_ISLNK(call->node->type))
		return -EINVAL;
	length = readlinkat(call->node->fd, "", target, sizeof(target));
	return length < 0 ? -errno : call_put(call, target, (size_t)length);
}

int op_statfs(struct call *call)
{
	const struct node *node = call->node;
	struct fuse_kstatfs out = { .bsize = 4096, .namelen = NAME_MAX, .frsize = 4096 };
	struct statfs st;

	if (!node->is_root) {
		if (fstatfs(node->fd, &st) < 0)
			return -errno;
		out = (struct fuse_kstatfs){ .blocks = st.f_blocks,
			                     .bfree = st.f_bfree,
			                     .bavail = st.f_bavail,
			                     .files = st.f_files,
			                     .ffree = st.f_ffree,
			                     .bsize = (uint32_t)st.f_bsize,
			                     .namelen = (uint32_t)st.f_namelen,
			                     .frsize = (uint32_t)st.f_frsize };
	}
	return call_put(call, &out, sizeof(out));
}

// All that was written is the host's already: what is left is to have it lie on its disks.
int op_syncfs(struct call *call)
{
	struct hostfs *fs = call->fs;

	for (unsigned i = 0; i < fs->num_shares; i++) {
		int fd = fs->shares[i].read_only ? -1 : node_open(fs, fs->share_nodes[i], O_RDONLY);
		int result;

		if (fd < 0)
			continue;
		result = syncfs(fd) < 0 ? -errno : 0;
		close(fd);
		if (result < 0)
			return result;
	}
	return 0;
}
