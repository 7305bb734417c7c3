// SPDX-License-Identifier: MIT
//
// What is written to files. What a write makes a file's is written before the file has it: blocks
// are reserved, written, and only then added, so that nobody ever sees what they had before.
#include "apps/fs/data.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define MAX_SIZE (((uint64_t)UINT32_MAX - 1) * EXT4_BLOCK_SIZE)
#define OPEN_APPEND 0x400u

// --- Whole blocks --------------------------------------------------------------------------------

static int write_blocks(struct call *call);

static int write_end(struct call *call)
{
	struct transfer *t = &call->data;
	uint64_t end = ((uint64_t)t->first + t->done) * EXT4_BLOCK_SIZE;
	struct fuse_write_out out = { .size = t->size };

	if (end < t->offset + t->size)
		out.size = (uint32_t)(end - t->offset);
	call_put(call, &out, sizeof(out));
	return 0;
}

// What could be written before an error counts.
static int write_stopped(struct call *call, int error)
{
	if (call->data.done == 0 || call->data.is_whole)
		return error;
	call->out_len = 0;
	return write_end(call);
}

// The blocks that were just written become the file's.
static int write_commit(struct call *call)
{
	struct transfer *t = &call->data;
	struct update *u = &call->fs->update;
	struct ext4_node id = call->node->id;
	uint32_t block = t->first + t->done;
	uint64_t size = ((uint64_t)block + t->now) * EXT4_BLOCK_SIZE;
	bool last = t->done + t->now == t->count;
	int result;

	if (t->status != 0)
		return write_stopped(call, t->status);
	if (size > t->offset + t->size)
		size = t->offset + t->size;
	result = call_begin(call, EXT4_CREDITS_EXTEND + 1);
	if (result == 0)
		result = t->reserved.count > 0
			? ext4_extend(u, id, block, &t->reserved, t->now, false, size)
			: ext4_written(u, id, block, t->now, size);
	if (result == 0 && last && t->kills_setid)
		result = kill_setid(call);
	if (result != 0) {
		result = call_end_part(call, result);
		return result == CALL_WAIT ? result : write_stopped(call, result);
	}
	t->done += t->now;
	if (!last && t->appends)
		kept_part(call, size - t->offset);
	if (last)
		(void)call_end(call, write_end(call));
	else
		(void)call_end_part(call, 0);
	if (t->reserved.count > 0) {
		ext4_reservation_used(call->fs->ext4, &t->reserved, t->now);
		if (t->reserved.count > 0)
			ext4_unreserve(call->fs->ext4, &t->reserved);
		t->reserved.count = 0;
	}
	call->run = write_blocks;
	return last ? 0 : write_blocks(call);
}

static int write_blocks(struct call *call)
{
	struct transfer *t = &call->data;
	uint32_t left = t->count - t->done;
	struct ext4_run run;
	int result = data_map(call, t->first + t->done, left, &run);

	if (result == 0 && run.disk == 0) {
		result = call_begin(call, 0);
		if (result == 0)
			result = ext4_reserve(&call->fs->update, call->node->id, t->first + t->done,
			                      run.count, &t->reserved);
		result = call_end_read(call, result);
		run.disk = t->reserved.block;
		run.count = t->reserved.count;
	}
	if (result == CALL_WAIT)
		return result;
	if (result != 0)
		return write_stopped(call, result);
	t->now = run.count;
	call->run = write_commit;
	return transfer_move(call, t->done, t->now, run.disk, true);
}

// --- Writing what is not whole blocks ------------------------------------------------------------

// The last block that is not written as a whole and has something that stays; false: there is none.
static bool edge_is_read(const struct transfer *t, uint32_t index)
{
	uint64_t start = ((uint64_t)t->first + index) * EXT4_BLOCK_SIZE;
	uint64_t end = t->offset + t->size;

	if (start >= t->file_size)
		return false;
	if (start < t->offset)
		return true;
	return end < start + EXT4_BLOCK_SIZE && end < t->file_size;
}

// Puts the data over what the edges had.
static int bounce_fill(struct call *call)
{
	struct transfer *t = &call->data;
	uint64_t start = (uint64_t)t->first * EXT4_BLOCK_SIZE;
	uint64_t end = start + (uint64_t)t->count * EXT4_BLOCK_SIZE;
	void *base;

	if (folio_map(t->folio, PROT_READ | PROT_WRITE, &base) < 0)
		return -LINUX_ENOMEM;
	// What lies behind the file's end is not a part of it.
	if (t->file_size > start && t->file_size < end)
		memset((uint8_t *)base + (t->file_size - start), 0, end - t->file_size);
	memcpy((uint8_t *)base + within_block(t->offset), t->source, t->size);
	call->run = write_blocks;
	return write_blocks(call);
}

// Reads the first and the last block, as far as they are needed.
static int bounce_read(struct call *call)
{
	struct transfer *t = &call->data;
	struct ext4_run run;
	int result;

	if (t->status != 0)
		return t->status;
	for (; call->stage < 2; call->stage++) {
		uint32_t index = call->stage == 0 ? 0 : t->count - 1;

		if ((call->stage == 1 && index == 0) || !edge_is_read(t, index))
			continue;
		result = data_map(call, t->first + index, 1, &run);
		if (result != 0)
			return result;
		if (run.disk == 0 || run.unwritten)
			continue;
		call->stage++;
		return transfer_move(call, index, 1, run.disk, false);
	}
	return bounce_fill(call);
}

// Memory for a write of not whole blocks, as those before it in line. CALL_PARKED: it is run again.
static int bounce_take(struct call *call, uint32_t size)
{
	struct fs *fs = call->fs;

	if (fs->bounced > 0 &&
	    (!list_is_empty(&fs->bouncing) || size > FS_BOUNCE_MAX - fs->bounced)) {
		list_push_back(&fs->bouncing, &call->wait_entry);
		return CALL_PARKED;
	}
	if (folio_create(size, FOLIO_CONTIGUOUS, &call->data.folio) < 0)
		return -LINUX_ENOMEM;
	call->data.bounced = size;
	fs->bounced += size;
	return 0;
}

static int bounce_begin(struct call *call)
{
	int result;

	call->data.at = 0;
	call->stage = 0;
	call->run = bounce_begin;
	result = bounce_take(call, call->data.count * EXT4_BLOCK_SIZE);
	if (result != 0)
		return result;
	call->run = bounce_read;
	return bounce_read(call);
}

// --- The beginning of a write --------------------------------------------------------------------

static bool is_direct(const struct call *call)
{
	const struct transfer *t = &call->data;

	return call->payload.folio != HANDLE_NONE && t->source_at % BLKDEV_SECTOR_SIZE == 0 &&
		within_block(t->offset) == 0 && within_block(t->size) == 0;
}

// Between the old end and the data nothing old may come to be seen.
static int write_gap(struct call *call)
{
	struct transfer *t = &call->data;
	uint64_t end = ((uint64_t)block_of(t->file_size) + 1) * EXT4_BLOCK_SIZE;
	int result = 0;

	if (within_block(t->file_size) != 0 && t->offset >= end)
		result = data_zero(call, t->file_size, end);
	if (result != 0)
		return result;
	if (!is_direct(call))
		return bounce_begin(call);
	t->at = t->source_at;
	t->folio = call->payload.folio;
	call->payload.folio = HANDLE_NONE;
	call->run = write_blocks;
	return write_blocks(call);
}

// Where a write that appends goes. False: one that the app's death broke off has as much as can be
// done, for others have appended since; it is answered.
static bool append_at(struct call *call, struct fuse_write_in *in)
{
	struct transfer *t = &call->data;
	struct write_part part;
	struct fuse_write_out out = { 0 };

	t->appends = true;
	if (!kept_part_done(call, &part)) {
		// A client may know no better where the end is: another one may have appended since
		// it asked, also one that has left, or while the app was dead.
		if (call->node->was_shared || call->session->returned ||
		    node_is_shared(call->session, call->node->id))
			in->offset = t->file_size;
		return true;
	}
	in->offset = part.offset;
	t->appended = part.done;
	if (t->file_size == part.offset + part.done)
		return true;
	out.size = (uint32_t)part.done;
	call_put(call, &out, sizeof(out));
	return false;
}

int op_write(struct call *call)
{
	struct transfer *t = &call->data;
	struct reader body = call_reader(call);
	struct fuse_write_in in;
	struct fuse_write_out nothing = { 0 };
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0 && (in.size > body.rest.len || in.size > FS_MAX_DATA))
		result = -LINUX_EINVAL;
	if (result == 0 && call->session->read_only)
		result = -LINUX_EROFS;
	if (result == 0)
		result = call_lock(call, LOCK_EXCLUSIVE);
	if (result == 0)
		result = data_size(call, &t->file_size);
	if (result != 0)
		return result;
	if ((in.flags & OPEN_APPEND) != 0 && (in.write_flags & FUSE_WRITE_CACHE) == 0 &&
	    !append_at(call, &in))
		return 0;
	if (in.offset > MAX_SIZE || in.size > MAX_SIZE - in.offset)
		return -LINUX_EFBIG;
	if (in.size == 0) {
		call_put(call, &nothing, sizeof(nothing));
		return 0;
	}
	transfer_begin(call, in.offset, in.size);
	t->source = body.rest.data;
	t->source_at = call->body_at + (uint32_t)sizeof(in);
	t->kills_setid = (in.write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
	call->run = write_gap;
	return write_gap(call);
}

int data_write(struct call *call, uint64_t offset, uint32_t size, uint32_t at)
{
	struct transfer *t = &call->data;
	int result = data_size(call, &t->file_size);

	if (result != 0)
		return result;
	transfer_begin(call, offset, size);
	t->is_whole = true;
	t->source = call->payload.bytes.data;
	t->source_at = at;
	call->run = write_gap;
	return write_gap(call);
}
