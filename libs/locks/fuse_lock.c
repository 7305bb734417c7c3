// SPDX-License-Identifier: MIT
#include "libs/locks/fuse_lock.h"

static bool type_take(uint32_t type, uint32_t *out)
{
	switch (type) {
	case FUSE_LOCK_READ: *out = LOCKS_READ; return true;
	case FUSE_LOCK_WRITE: *out = LOCKS_WRITE; return true;
	case FUSE_LOCK_NONE: *out = LOCKS_NONE; return true;
	default: return false;
	}
}

bool fuse_lock_take(const struct fuse_lk_in *in, struct lock *out)
{
	*out = (struct lock){ .owner = in->owner,
		              .start = in->lk.start,
		              .end = in->lk.end,
		              .pid = in->lk.pid,
		              .flock = (in->lk_flags & FUSE_LK_FLOCK) != 0 };
	if (out->flock != 0) {
		out->start = 0;
		out->end = LOCKS_END;
	}
	return type_take(in->lk.type, &out->type) && out->start <= out->end &&
		out->end <= LOCKS_END;
}

struct fuse_lk_out fuse_lock_found(const struct lock *request, const struct lock *found)
{
	struct fuse_lk_out out = { .lk = { .type = FUSE_LOCK_NONE } };

	if (found == NULL)
		return out;
	out.lk.start = found->start;
	out.lk.end = found->end;
	out.lk.type = found->type == LOCKS_WRITE ? FUSE_LOCK_WRITE : FUSE_LOCK_READ;
	out.lk.pid = found->session == request->session ? found->pid : 0;
	return out;
}
