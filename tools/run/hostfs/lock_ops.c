// SPDX-License-Identifier: MIT
//
// Locks. Among the owners of a client, our table decides. For the rest of the world, each file has
// a descriptor whose locks are those of all the client's owners put together: an open file
// description's (OFD) for those of fcntl(2), and another one for those of flock(2).
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "libs/locks/fuse_lock.h"
#include "tools/run/hostfs/internal.h"

struct host_locks {
	int ranges;  // -1: it is not open
	int whole;
};

// --- Descriptors ---------------------------------------------------------------------------------

static void close_both(struct hostfs *fs, struct node *node)
{
	const int all[] = { node->locks->ranges, node->locks->whole };

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] < 0)
			continue;
		close(all[i]);
		fds_drop(fs, 1);
	}
	free(node->locks);
	node->locks = NULL;
}

void host_locks_idle(struct hostfs *fs, struct node *node)
{
	if (node->locks && node->opens == 0 &&
	    locks_strongest(&fs->locks, node->id, false) == LOCKS_NONE &&
	    locks_strongest(&fs->locks, node->id, true) == LOCKS_NONE)
		close_both(fs, node);
}

void host_locks_end(struct hostfs *fs, struct node *node)
{
	if (!node->locks)
		return;
	locks_drop_file(&fs->locks, node->id);
	close_both(fs, node);
}

// The client's table and the node's descriptors are there from now on.
static int prepare(struct hostfs *fs, struct node *node)
{
	struct lock *entries;

	if (!fs->locks.entries) {
		// A session leaves as many as it has.
		entries = calloc(2 * MAX_LOCKS, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		locks_init(&fs->locks, entries, 2 * MAX_LOCKS, MAX_LOCKS);
	}
	if (node->locks)
		return 0;
	node->locks = malloc(sizeof(*node->locks));
	if (!node->locks)
		return -ENOMEM;
	*node->locks = (struct host_locks){ .ranges = -1, .whole = -1 };
	return 0;
}

// The descriptor for the kind of the lock, or a negative errno.
static int descriptor_for(struct hostfs *fs, struct node *node, const struct lock *lock)
{
	int *place;
	int fd = -EACCES;
	int result = node->is_root ? -EACCES : prepare(fs, node);

	if (result < 0)
		return result;
	place = lock->flock ? &node->locks->whole : &node->locks->ranges;
	if (*place >= 0)
		return *place;
	result = fds_keep(fs, 1);
	if (result < 0)
		return result;
	// To lock a range for writing, it has to be open for that.
	if (!lock->flock && !fs->shares[node->share].read_only)
		fd = node_open(fs, node, O_RDWR);
	if (fd < 0)
		fd = node_open(fs, node, O_RDONLY);
	if (fd >= 0)
		*place = fd;
	else
		fds_drop(fs, 1);
	return fd;
}

// --- The host's locks ----------------------------------------------------------------------------

// After a call that returned -1: 0 where the host's file system has no locks, for then the table's
// hold alone.
static int host_error(void)
{
	switch (errno) {
	case EACCES: return -EAGAIN;
	case ENOLCK:
	case ENOSYS:
	case EOPNOTSUPP: return 0;
	default: return -errno;
	}
}

static struct flock host_range(uint32_t type, uint64_t start, uint64_t end)
{
	static const short types
		[] = { [LOCKS_NONE] = F_UNLCK, [LOCKS_READ] = F_RDLCK, [LOCKS_WRITE] = F_WRLCK };

	return (struct flock){ .l_type = types[type],
		               .l_whence = SEEK_SET,
		               .l_start = (off_t)start,
		               .l_len = end == LOCKS_END ? 0 : (off_t)(end - start + 1) };
}

static int host_set(int fd, uint32_t type, uint64_t start, uint64_t end)
{
	struct flock range = host_range(type, start, end);

	return fcntl(fd, F_OFD_SETLK, &range) < 0 ? host_error() : 0;
}

// Before the table has it: of what the client has, nothing is against it.
static int host_lock(struct hostfs *fs, int fd, const struct lock *lock)
{
	int result;

	if (!lock->flock)
		return host_set(fd, lock->type, lock->start, lock->end);
	if (flock(fd, (lock->type == LOCKS_WRITE ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return 0;
	result = host_error();
	// A conversion that fails may have lost what it was made of.
	if (locks_strongest(&fs->locks, lock->file, true) != LOCKS_NONE)
		(void)flock(fd, LOCK_SH | LOCK_NB);
	return result;
}

// After the table has it: what nobody has any more is free.
static void host_unlock(struct hostfs *fs, int fd, const struct lock *lock)
{
	uint64_t start = lock->start, end = lock->end;

	if (lock->flock) {
		if (locks_strongest(&fs->locks, lock->file, true) == LOCKS_NONE)
			(void)flock(fd, LOCK_UN);
		return;
	}
	while (locks_gap(&fs->locks, lock->file, false, &start, &end)) {
		(void)host_set(fd, LOCKS_NONE, start, end);
		if (end == lock->end)
			break;
		start = end + 1;
		end = lock->end;
	}
}

// --- The operations ------------------------------------------------------------------------------

static int take_lock(struct call *call, struct fuse_lk_in *in, struct lock *out)
{
	int result = call_take(call, in, sizeof(*in));

	if (result < 0)
		return result;
	if (!fuse_lock_take(in, out))
		return -EINVAL;
	out->file = call->node->id;
	return 0;
}

int op_setlk(struct call *call)
{
	struct hostfs *fs = call->fs;
	struct fuse_lk_in in;
	struct lock lock;
	int result = take_lock(call, &in, &lock);
	int fd = result < 0 ? result : descriptor_for(fs, call->node, &lock);

	if (fd < 0)
		return fd;
	switch (locks_check(&fs->locks, &lock)) {
	case LOCKS_HELD: return -EAGAIN;
	case LOCKS_FULL: return -ENOLCK;
	default: break;
	}
	if (lock.type != LOCKS_NONE)
		result = host_lock(fs, fd, &lock);
	if (result < 0)
		return result;
	(void)locks_set(&fs->locks, &lock);
	if (lock.type == LOCKS_NONE)
		host_unlock(fs, fd, &lock);
	// No version: what the host has changed since the last lock, nobody knows.
	host_locks_idle(fs, call->node);
	return result;
}

int op_getlk(struct call *call)
{
	struct fuse_lk_out out;
	struct fuse_lk_in in;
	struct flock range;
	struct lock lock;
	int result = take_lock(call, &in, &lock);
	int fd = result < 0 ? result : descriptor_for(call->fs, call->node, &lock);

	if (fd < 0)
		return fd;
	if (lock.type == LOCKS_NONE || lock.flock)
		return -EINVAL;
	out = fuse_lock_found(&lock, locks_find(&call->fs->locks, &lock));
	range = host_range(lock.type, lock.start, lock.end);
	if (out.lk.type == FUSE_LOCK_NONE && fcntl(fd, F_OFD_GETLK, &range) == 0 &&
	    range.l_type != F_UNLCK) {
		out.lk.type = range.l_type == F_WRLCK ? FUSE_LOCK_WRITE : FUSE_LOCK_READ;
		out.lk.start = (uint64_t)range.l_start;
		out.lk.end = range.l_len == 0 ? LOCKS_END
					      : (uint64_t)(range.l_start + range.l_len - 1);
	}
	return call_put(call, &out, sizeof(out));
}
