// SPDX-License-Identifier: MIT
//
// What makes, moves and removes names.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

// Flags of an open that are the host's to have.
#define OPEN_FLAGS (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC)

// The directory that the call makes a name in.
static int take_name(struct call *call, const char **name)
{
	int result = call_may_write(call);

	if (result == 0 && !S_ISDIR(call->node->type))
		result = -ENOTDIR;
	return result < 0 ? result : call_name(call, name);
}

// The same for what is to be made. Nothing is made that there is no node for: a client that forgets
// others at ENFILE asks once more.
static int take_new_name(struct call *call, const char **name)
{
	int result = take_name(call, name);

	return result < 0 ? result : node_room(call->fs);
}

// Gives what was just made its owner and mode: those of the caller, and what a setgid directory
// hands on.
static int made_set(struct call *call, const struct node *made, mode_t mode, unsigned rdev)
{
	struct ownership wanted = { .uid = call->in.uid,
		                    .gid = call->in.gid,
		                    .mode = mode,
		                    .major = (rdev >> 8) & 0xfff,
		                    .minor = (rdev & 0xff) | ((rdev >> 12) & ~0xffu) };
	struct ownership parent;
	struct ownership now;
	struct stat st;
	int result;

	if (fstat(call->node->fd, &st) < 0)
		return -errno;
	ownership_read(call->fs, call->node, &st, &parent);
	if (parent.mode & S_ISGID) {
		wanted.gid = parent.gid;
		if (S_ISDIR(mode))
			wanted.mode |= S_ISGID;
	}
	if (fstat(made->fd, &st) < 0)
		return -errno;
	ownership_read(call->fs, made, &st, &now);
	if (now.uid == wanted.uid && now.gid == wanted.gid && now.mode == wanted.mode)
		return 0;
	result = ownership_write(call->fs, made, &st, &wanted);
	// These can be nobody's but the user's, and cannot be had otherwise.
	if (result == -EPERM && !S_ISREG(made->type) && !S_ISDIR(made->type))
		return 0;
	return result;
}

static int entry_put(struct call *call, struct node *node)
{
	struct fuse_entry_out entry;
	int result = node_entry(call->fs, node, &entry);

	return result < 0 ? result : call_put(call, &entry, sizeof(entry));
}

// The name was made: finds it, and takes it away again when it cannot be what was asked for.
static int made(struct call *call, const char *name, mode_t mode, unsigned rdev)
{
	struct node *node;
	int result = node_lookup(call->fs, call->node, name, &node);

	if (result < 0)
		return result;
	result = made_set(call, node, mode, rdev);
	if (result < 0)
		(void)!unlinkat(call->node->fd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
	else
		result = entry_put(call, node);
	if (result < 0)
		node_forget(call->fs, node, 1);
	return result;
}

int op_symlink(struct call *call)
{
	const char *name, *target;
	int result = take_new_name(call, &name);

	if (result == 0)
		result = call_string(call, &target);
	if (result < 0)
		return result;
	if (symlinkat(target, call->node->fd, name) < 0)
		return -errno;
	return made(call, name, S_IFLNK | 0777, 0);
}

// Makes it on the host as `type`.
static int make_node(struct call *call, const char *name, const struct fuse_mknod_in *in,
                     mode_t type)
{
	if (mknodat(call->node->fd, name, type | ownership_host_mode(type | (in->mode & 07777)),
	            0) < 0)
		return -errno;
	return made(call, name, in->mode & (S_IFMT | 07777), in->rdev);
}

int op_mknod(struct call *call)
{
	struct fuse_mknod_in in;
	const char *name;
	mode_t type;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = take_new_name(call, &name);
	if (result < 0)
		return result;
	type = in.mode & S_IFMT;
	if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK && type != S_IFCHR &&
	    type != S_IFBLK)
		return -EINVAL;
	// A FIFO or a socket of the host has no attribute for an owner.
	if ((type == S_IFIFO || type == S_IFSOCK) && call->fs->privileged)
		return make_node(call, name, &in, type);
	// So an empty file stands for it, as for a device, where there are attributes.
	result = make_node(call, name, &in, S_IFREG);
	if (result == -EPERM && (type == S_IFIFO || type == S_IFSOCK))
		result = make_node(call, name, &in, type);
	return result;
}

int op_mkdir(struct call *call)
{
	struct fuse_mkdir_in in;
	const char *name;
	mode_t mode;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = take_new_name(call, &name);
	if (result < 0)
		return result;
	mode = S_IFDIR | (in.mode & 07777);
	if (mkdirat(call->node->fd, name, ownership_host_mode(mode)) < 0)
		return -errno;
	return made(call, name, mode, 0);
}

static int remove_name(struct call *call, int flags)
{
	const char *name;
	int result = take_name(call, &name);

	if (result < 0)
		return result;
	return unlinkat(call->node->fd, name, flags) < 0 ? -errno : 0;
}

int op_unlink(struct call *call)
{
	return remove_name(call, 0);
}

int op_rmdir(struct call *call)
{
	return remove_name(call, AT_REMOVEDIR);
}

static int rename_entry(struct call *call, uint64_t new_parent, unsigned flags)
{
	struct node *target = node_find(call->fs, new_parent);
	struct node *moved, *replaced;
	const char *name, *new_name;
	int result = take_name(call, &name);

	if (result == 0)
		result = call_name(call, &new_name);
	if (result < 0)
		return result;
	if (!target)
		return -ESTALE;
	if (target->is_root || target->share != call->node->share)
		return -EXDEV;
	if (flags & ~(FUSE_RENAME_NOREPLACE | FUSE_RENAME_EXCHANGE))
		return -EINVAL;
	result = node_use(target);
	if (result < 0)
		return result;
	moved = node_peek(call->fs, call->node, name);
	replaced = node_peek(call->fs, target, new_name);
	if (renameat2(call->node->fd, name, target->fd, new_name, flags) < 0)
		return -errno;
	// To place one may take away what kept the other.
	if (replaced)
		replaced->pins++;
	// Of two names of one file, both stay.
	if (moved && moved != replaced)
		result = node_place(call->fs, moved, target, new_name);
	if (result == 0 && replaced && (flags & FUSE_RENAME_EXCHANGE))
		result = node_place(call->fs, replaced, call->node, name);
	if (replaced) {
		replaced->pins--;
		node_release(call->fs, replaced);
	}
	return result;
}

int op_rename(struct call *call)
{
	struct fuse_rename_in in;
	int result = call_take(call, &in, sizeof(in));

	return result < 0 ? result : rename_entry(call, in.newdir, 0);
}

int op_rename2(struct call *call)
{
	struct fuse_rename2_in in;
	int result = call_take(call, &in, sizeof(in));

	return result < 0 ? result : rename_entry(call, in.newdir, in.flags);
}

int op_link(struct call *call)
{
	struct fuse_link_in in;
	struct node *old;
	const char *name;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = take_name(call, &name);
	if (result < 0)
		return result;
	old = node_find(call->fs, in.oldnodeid);
	if (!old)
		return -ESTALE;
	if (old->is_root || old->share != call->node->share)
		return -EXDEV;
	if (S_ISDIR(old->type))
		return -EPERM;
	result = node_use(old);
	if (result < 0)
		return result;
	// The link that is followed is that of /proc, straight to the inode.
	if (linkat(AT_FDCWD, node_path(old).text, call->node->fd, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	old->lookups++;
	result = node_place(call->fs, old, call->node, name);
	if (result == 0)
		result = entry_put(call, old);
	if (result < 0)
		node_forget(call->fs, old, 1);
	return result;
}

// Answers with a node and a handle for the file that is open as `fd` (consumed).
static int opened_put(struct call *call, int fd, const struct fuse_create_in *in, const char *name,
                      bool is_new)
{
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE };
	struct node *node;
	char path[32];
	int again;
	int result;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	do {
		again = open(path, O_PATH | O_CLOEXEC);
	} while (fds_are_short(again));
	result = again < 0 ? -errno : node_get(call->fs, call->node->share, again, &node);
	if (result < 0) {
		close(fd);
		return result;
	}
	if (!S_ISREG(node->type))
		result = -ENXIO;
	if (result == 0 && name)
		result = node_place(call->fs, node, call->node, name);
	if (result == 0 && is_new)
		result = made_set(call, node, S_IFREG | (in->mode & 07777), 0);
	if (result == 0 && !is_new && (in->flags & O_TRUNC))
		result = ownership_kill_setid(call->fs, node);
	if (result == 0)
		result = entry_put(call, node);
	if (result == 0)
		result = handle_add(call->fs, node, fd, &out.fh);
	else
		close(fd);
	if (result == 0)
		result = call_put(call, &out, sizeof(out));
	if (result < 0)
		node_forget(call->fs, node, 1);
	return result;
}

int op_create(struct call *call)
{
	struct fuse_create_in in;
	const char *name;
	bool is_new;
	int flags;
	int fd;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = take_new_name(call, &name);
	if (result == 0)
		result = handle_room(call->fs);
	if (result < 0)
		return result;
	flags = ((int)in.flags & OPEN_FLAGS) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	do {
		fd = openat(call->node->fd, name, flags | O_CREAT | O_EXCL, in.mode & 0777);
	} while (fds_are_short(fd));
	is_new = fd >= 0;
	// Made on the host since the guest has looked.
	if (fd < 0 && errno == EEXIST && !(in.flags & O_EXCL)) {
		struct node *node;

		result = node_lookup(call->fs, call->node, name, &node);
		if (result < 0)
			return result;
		fd = S_ISDIR(node->type)      ? -EISDIR
			: S_ISLNK(node->type) ? -ELOOP
					      : node_open(call->fs, node, flags);
		node_forget(call->fs, node, 1);
		if (fd < 0)
			return fd;
	}
	if (fd < 0)
		return -errno;
	result = opened_put(call, fd, &in, name, is_new);
	if (result < 0 && is_new)
		(void)!unlinkat(call->node->fd, name, 0);
	return result;
}

int op_tmpfile(struct call *call)
{
	struct fuse_create_in in;
	const char *name;
	int fd;
	int result = call_take(call, &in, sizeof(in));

	// Its name is only what Linux shows of it.
	if (result == 0)
		result = call_string(call, &name);
	if (result == 0)
		result = call_may_write(call);
	if (result == 0 && !S_ISDIR(call->node->type))
		result = -ENOTDIR;
	if (result < 0)
		return result;
	do {
		fd = openat(call->node->fd, ".",
		            ((int)in.flags & OPEN_FLAGS & ~O_TRUNC) | O_TMPFILE | O_CLOEXEC,
		            in.mode & 0777);
	} while (fds_are_short(fd));
	return fd < 0 ? -errno : opened_put(call, fd, &in, NULL, true);
}
