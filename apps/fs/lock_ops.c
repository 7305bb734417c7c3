// SPDX-License-Identifier: MIT
//
// Locks of all sessions, in kept memory: they end with their sessions, not with this process.
#include "apps/fs/fs.h"
#include "libs/locks/fuse_lock.h"
#include "libs/starina/syscall.h"

// A session's number among the owners of locks.
static uint32_t number_of(const struct session *session)
{
	return session->index < FS_MAX_SESSIONS ? session->index : FS_MAX_SESSIONS + session->salt;
}

void session_unlock_all(struct session *session)
{
	locks_drop_session(&session->fs->locks, number_of(session));
}

static int take_lock(const struct call *call, struct fuse_lk_in *in, struct lock *out)
{
	const struct ext4_node *id = &call->node->id;
	struct reader body = call_reader(call);
	int result = call_take(&body, in, sizeof(*in));

	if (result != 0)
		return result;
	if (!fuse_lock_take(in, out))
		return -LINUX_EINVAL;
	out->file = id->inode | (uint64_t)id->generation << 32;
	out->session = number_of(call->session);
	// It had its end while this waited: nobody would take the lock back.
	return call->session->ended ? -LINUX_ENOTCONN : 0;
}

// Never one that an instance before may have told.
static uint64_t next_version(struct fs *fs)
{
	if (fs->version == 0 && random_get(&fs->version, sizeof(fs->version)) < 0)
		fs->version = fs_time().nanoseconds;
	if (++fs->version == 0)
		fs->version = 1;
	return fs->version;
}

void call_changes(struct call *call)
{
	struct fs *fs = call->fs;
	uint32_t opcode = call->in.opcode;

	if (call->session == NULL)
		return;
	call->session->changed = true;
	// With one session, or before the first lock, there is nobody to be told.
	if (fs->num_sessions == 1 || fs->version == 0)
		return;
	// Those that change another node, too.
	if (opcode == FUSE_RENAME || opcode == FUSE_RENAME2 || opcode == FUSE_LINK ||
	    node_is_shared(call->session, call->node->id))
		(void)next_version(fs);
}

int op_getlk(struct call *call)
{
	struct fuse_lk_out out;
	struct fuse_lk_in in;
	struct lock lock;
	int result = take_lock(call, &in, &lock);

	if (result == 0 && lock.type == LOCKS_NONE)
		result = -LINUX_EINVAL;
	if (result != 0)
		return result;
	out = fuse_lock_found(&lock, locks_find(&call->fs->locks, &lock));
	call_put(call, &out, sizeof(out));
	return 0;
}

int op_setlk(struct call *call)
{
	struct fuse_lk_version out;
	struct fuse_lk_in in;
	struct lock lock;
	int result = take_lock(call, &in, &lock);

	if (result != 0)
		return result;
	switch (locks_set(&call->fs->locks, &lock)) {
	case LOCKS_HELD: return -LINUX_EAGAIN;
	case LOCKS_FULL: return -LINUX_ENOLCK;
	default: break;
	}
	if (lock.type != LOCKS_NONE && (in.lk_flags & FUSE_LK_VERSION) != 0) {
		out.version = call->fs->version != 0 ? call->fs->version : next_version(call->fs);
		call_put(call, &out, sizeof(out));
	}
	return 0;
}
