// SPDX-License-Identifier: MIT
//
// What is asked of a file's blocks: to be there, to be gone, and where they are.
#include "apps/fs/fs.h"
#include "libs/starina/syscall.h"

#define MAX_SIZE (((uint64_t)UINT32_MAX - 1) * EXT4_BLOCK_SIZE)

// fallocate(2)'s modes.
#define KEEP_SIZE 0x01u
#define PUNCH_HOLE 0x02u
#define ZERO_RANGE 0x10u
// lseek(2)'s.
#define SEEK_TO_DATA 3u
#define SEEK_TO_HOLE 4u

#define BLOCK ((uint64_t)EXT4_BLOCK_SIZE)

static int attr_of_file(struct call *call, struct ext4_attr *attr)
{
	int result = call_begin(call, 0);

	if (result == 0)
		result = ext4_getattr(&call->fs->update, call->node->id, attr);
	if (result == 0 && (attr->mode & LINUX_S_IFMT) != LINUX_S_IFREG)
		result = -LINUX_ENODEV;
	return call_end_read(call, result);
}

// --- fallocate, in steps -------------------------------------------------------------------------

enum { STEP_CHECK = 0, STEP_TAIL, STEP_HEAD_EDGE, STEP_END_EDGE, STEP_PUNCH, STEP_FILL, STEP_SIZE };

struct range {
	uint64_t start, end;
	uint32_t mode;
};

// The whole blocks in the range, as [*from, *to).
static void whole_blocks(const struct range *range, uint64_t *from, uint64_t *to)
{
	*from = (range->start + BLOCK - 1) / BLOCK;
	*to = range->end / BLOCK;
}

static int step_check(struct call *call, const struct range *range)
{
	struct ext4_attr attr = { 0 };
	struct ext4_statfs st;
	int result = attr_of_file(call, &attr);

	if (result != 0)
		return result;
	call->data.file_size = attr.size;
	ext4_statfs(call->fs->ext4, &st);
	if ((range->mode & PUNCH_HOLE) == 0 &&
	    (range->end - range->start) / BLOCK > st.free_blocks + attr.blocks / 8)
		return -LINUX_ENOSPC;
	return 0;
}

// What lies behind the old end, when the file grows.
static int step_tail(struct call *call, const struct range *range)
{
	uint64_t size = call->data.file_size;

	if ((range->mode & KEEP_SIZE) != 0 || range->end <= size || size % BLOCK == 0)
		return 0;
	return data_zero(call, size, (size / BLOCK + 1) * BLOCK);
}

static int step_head_edge(struct call *call, const struct range *range)
{
	uint64_t end = (range->start / BLOCK + 1) * BLOCK;

	if (range->start % BLOCK == 0 && range->end >= end)
		return 0;
	return data_zero(call, range->start, range->end < end ? range->end : end);
}

static int step_end_edge(struct call *call, const struct range *range)
{
	uint64_t start = range->end / BLOCK * BLOCK;

	if (range->end % BLOCK == 0 || start <= range->start)
		return 0;
	return data_zero(call, start, range->end);
}

static int step_punch(struct call *call, const struct range *range)
{
	uint64_t from, to;
	int result;

	whole_blocks(range, &from, &to);
	if (from >= to)
		return 0;
	result = call_begin(call, EXT4_CREDITS_TRUNCATE);
	if (result == 0)
		result = ext4_punch(&call->fs->update, call->node->id, (uint32_t)from,
		                    (uint32_t)(to - from));
	return call_end_part(call, result);
}

// Fills one hole with blocks that read as zeroes, at data.done blocks from the start.
static int fill_one(struct call *call, uint32_t block, uint32_t count, uint32_t *filled)
{
	struct ext4_reservation *reserved = &call->data.reserved;
	struct update *u = &call->fs->update;
	struct ext4_run run;
	int result = call_begin(call, EXT4_CREDITS_EXTEND);

	if (result == 0)
		result = ext4_map(u, call->node->id, block, count, &run);
	if (result == 0 && run.disk != 0) {
		*filled = run.count < count ? run.count : count;
		return call_end_read(call, 0);
	}
	if (result == 0 && reserved->count == 0)
		result = ext4_reserve(u, call->node->id, block,
		                      run.count < count ? run.count : count, reserved);
	*filled = reserved->count;
	if (result == 0)
		result = ext4_extend(u, call->node->id, block, reserved, *filled, true, 0);
	result = call_end_part(call, result);
	if (result == 0) {
		ext4_reservation_used(call->fs->ext4, reserved, *filled);
		reserved->count = 0;
	}
	return result;
}

static int step_fill(struct call *call, const struct range *range)
{
	uint32_t first = (uint32_t)(range->start / BLOCK);
	uint32_t count = (uint32_t)((range->end + BLOCK - 1) / BLOCK) - first;
	struct transfer *t = &call->data;
	uint32_t filled = 0;
	int result;

	if (t->done == count)
		return 0;
	result = fill_one(call, first + t->done, count - t->done, &filled);
	if (result != 0)
		return result;
	t->done += filled;
	return t->done == count ? 0 : CALL_MORE;
}

static int step_size(struct call *call, const struct range *range)
{
	struct update *u = &call->fs->update;
	struct ext4_attr attr;
	int result = call_begin(call, EXT4_CREDITS_TRUNCATE + 1);

	if (result == 0)
		result = ext4_getattr(u, call->node->id, &attr);
	if (result == 0 && (range->mode & KEEP_SIZE) == 0 && range->end > attr.size)
		result = ext4_truncate(u, call->node->id, range->end);
	if (result == 0) {
		attr.mtime = fs_time();
		attr.mode = mode_without_setid(attr.mode);
		result = ext4_setattr(u, call->node->id, EXT4_SET_MTIME | EXT4_SET_MODE, &attr);
	}
	return call_end(call, result);
}

static int step(struct call *call, const struct range *range)
{
	bool zeroes = (range->mode & (PUNCH_HOLE | ZERO_RANGE)) != 0;

	switch (call->stage) {
	case STEP_CHECK: return step_check(call, range);
	case STEP_TAIL: return step_tail(call, range);
	case STEP_HEAD_EDGE: return zeroes ? step_head_edge(call, range) : 0;
	case STEP_END_EDGE: return zeroes ? step_end_edge(call, range) : 0;
	case STEP_PUNCH: return zeroes ? step_punch(call, range) : 0;
	case STEP_FILL: return (range->mode & PUNCH_HOLE) == 0 ? step_fill(call, range) : 0;
	default: return step_size(call, range);
	}
}

int op_fallocate(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_fallocate_in in;
	struct range range;
	int result = call_take(&body, &in, sizeof(in));

	if (result != 0)
		return result;
	if (call->session->read_only)
		return -LINUX_EROFS;
	if ((in.mode & ~(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE)) != 0 ||
	    (in.mode & (PUNCH_HOLE | KEEP_SIZE)) == PUNCH_HOLE ||
	    (in.mode & (PUNCH_HOLE | ZERO_RANGE)) == (PUNCH_HOLE | ZERO_RANGE))
		return -LINUX_EOPNOTSUPP;
	if (in.length == 0)
		return -LINUX_EINVAL;
	if (in.offset > MAX_SIZE || in.length > MAX_SIZE - in.offset)
		return -LINUX_EFBIG;
	range = (struct range){ .start = in.offset, .end = in.offset + in.length, .mode = in.mode };
	result = call_lock(call, LOCK_EXCLUSIVE);
	while (result == 0) {
		result = step(call, &range);
		if (result == 0 && call->stage++ == STEP_SIZE)
			return 0;
	}
	return result;
}

// --- lseek ---------------------------------------------------------------------------------------

int op_lseek(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_lseek_in in;
	struct fuse_lseek_out out;
	struct ext4_attr attr = { 0 };
	uint32_t block = 0;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0 && in.whence != SEEK_TO_DATA && in.whence != SEEK_TO_HOLE)
		result = -LINUX_EINVAL;
	if (result == 0)
		result = attr_of_file(call, &attr);
	if (result == 0 && in.offset >= attr.size)
		result = -LINUX_ENXIO;
	if (result != 0)
		return result;
	result = call_begin(call, 0);
	if (result == 0)
		result = ext4_seek(&call->fs->update, call->node->id,
		                   call->stage == 0 ? (uint32_t)(in.offset / BLOCK)
		                                    : call->data.first,
		                   in.whence == SEEK_TO_HOLE, &block);
	result = call_end_read(call, result);
	if (result == UPDATE_MORE) {
		call->data.first = block;
		call->stage = 1;
	}
	if (result != 0)
		return result;
	out.offset = block * BLOCK > in.offset ? block * BLOCK : in.offset;
	if (out.offset > attr.size)
		out.offset = attr.size;
	if (in.whence == SEEK_TO_DATA && out.offset == attr.size)
		return -LINUX_ENXIO;
	call_put(call, &out, sizeof(out));
	return 0;
}
