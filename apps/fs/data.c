// SPDX-License-Identifier: MIT
//
// Files' bytes, between the disk and the folios that clients send and get. Nothing of them is kept
// here: a READ's folio is what the disk writes to, and a WRITE's what it reads from, when its data
// lie as the disk wants them (data_write.c).
#include "apps/fs/data.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define SECTORS_PER_BLOCK (EXT4_BLOCK_SIZE / BLKDEV_SECTOR_SIZE)

int data_map(struct call *call, uint32_t block, uint32_t count, struct ext4_run *out)
{
	int result = call_begin(call, 0);

	*out = (struct ext4_run){ 0 };
	if (result == 0)
		result = ext4_map(&call->fs->update, call->node->id, block, count, out);
	result = call_end_read(call, result);
	if (result == 0 && out->count > count)
		out->count = count;
	return result;
}

int data_size(struct call *call, uint64_t *out)
{
	struct ext4_attr attr;
	int result = call_begin(call, 0);

	if (result == 0)
		result = ext4_getattr(&call->fs->update, call->node->id, &attr);
	if (result == 0 && (attr.mode & LINUX_S_IFMT) != LINUX_S_IFREG)
		result = (attr.mode & LINUX_S_IFMT) == LINUX_S_IFDIR ? -LINUX_EISDIR
								     : -LINUX_EINVAL;
	if (result == 0)
		*out = attr.size;
	return call_end_read(call, result);
}

// --- Blocks that are changed in part -------------------------------------------------------------

static void edit_done(struct disk_io *io, int status)
{
	struct call *call = io->context;

	call->edit.folio = io->folio;
	call->edit.status = status;
	call_continue(call);
}

static void edit_move(struct call *call, bool write)
{
	struct block_edit *edit = &call->edit;

	edit->io.write = write;
	edit->io.folio = edit->folio;
	edit->folio = HANDLE_NONE;
	disk_submit(&call->fs->disk, &edit->io);
}

static int edit_begin(struct call *call, uint32_t block)
{
	struct block_edit *edit = &call->edit;
	struct ext4_run run;
	int result = data_map(call, block, 1, &run);

	if (result != 0 || run.disk == 0 || run.unwritten)
		return result;
	if (folio_create(EXT4_BLOCK_SIZE, FOLIO_CONTIGUOUS, &edit->folio) < 0)
		return -LINUX_ENOMEM;
	edit->io = (struct disk_io){ .sector = run.disk * SECTORS_PER_BLOCK,
		                     .length = EXT4_BLOCK_SIZE,
		                     .done = edit_done,
		                     .context = call };
	edit->stage = 1;
	edit_move(call, false);
	return CALL_PARKED;
}

static bool is_zero(const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

static int edit_end(struct call *call, int result)
{
	if (call->edit.folio != HANDLE_NONE)
		handle_close(call->edit.folio);
	call->edit.folio = HANDLE_NONE;
	call->edit.stage = 0;
	return result;
}

int data_zero(struct call *call, uint64_t from, uint64_t to)
{
	struct block_edit *edit = &call->edit;
	uint32_t start = within_block(from), len = (uint32_t)(to - from);
	void *base;

	if (edit->stage == 0)
		return edit_begin(call, block_of(from));
	if (edit->status != 0 || edit->stage == 2)
		return edit_end(call, edit->status);
	if (folio_map(edit->folio, PROT_READ | PROT_WRITE, &base) < 0)
		return edit_end(call, -LINUX_ENOMEM);
	if (is_zero((uint8_t *)base + start, len))
		return edit_end(call, 0);
	memset((uint8_t *)base + start, 0, len);
	edit->stage = 2;
	edit_move(call, true);
	return CALL_PARKED;
}

// --- Transfers -----------------------------------------------------------------------------------

static void bounce_give(struct call *call)
{
	struct fs *fs = call->fs;

	if (call->data.bounced == 0)
		return;
	fs->bounced -= call->data.bounced;
	call->data.bounced = 0;
	while (!list_is_empty(&fs->bouncing))
		call_continue(container_of(fs->bouncing.next, struct call, wait_entry));
}

void data_end(struct call *call)
{
	struct transfer *t = &call->data;

	if (t->reserved.count > 0)
		ext4_unreserve(call->fs->ext4, &t->reserved);
	t->reserved.count = 0;
	if (t->folio != HANDLE_NONE)
		handle_close(t->folio);
	t->folio = HANDLE_NONE;
	bounce_give(call);
	(void)edit_end(call, 0);
}

static void transfer_done(struct disk_io *io, int status)
{
	struct call *call = io->context;

	call->data.folio = io->folio;
	call->data.status = status;
	call_continue(call);
}

void transfer_begin(struct call *call, uint64_t offset, uint32_t size)
{
	struct transfer *t = &call->data;

	t->offset = offset;
	t->size = size;
	t->first = block_of(offset);
	t->count = block_of(offset + size - 1) - t->first + 1;
	t->low = (uint64_t)t->first * EXT4_BLOCK_SIZE;
	t->high = t->low + (uint64_t)t->count * EXT4_BLOCK_SIZE;
}

// What of `count` blocks, of which the first is the `index`th of the transfer, is moved.
struct piece {
	uint32_t skip;    // bytes of the first block
	uint32_t offset;  // in the folio
	uint32_t length;
};

static struct piece piece_of(const struct transfer *t, uint32_t index, uint32_t count)
{
	uint64_t first = (uint64_t)t->first * EXT4_BLOCK_SIZE;
	uint64_t start = first + (uint64_t)index * EXT4_BLOCK_SIZE;
	uint64_t end = start + (uint64_t)count * EXT4_BLOCK_SIZE;
	uint64_t from = start > t->low ? start : t->low, to = end < t->high ? end : t->high;

	return (struct piece){ .skip = (uint32_t)(from - start),
		               .offset = t->at + (uint32_t)(from - first),
		               .length = (uint32_t)(to - from) };
}

int transfer_move(struct call *call, uint32_t index, uint32_t count, uint64_t disk, bool write)
{
	struct transfer *t = &call->data;
	struct piece piece = piece_of(t, index, count);

	t->io = (struct disk_io){ .write = write,
		                  .sector = disk * SECTORS_PER_BLOCK +
		                          piece.skip / BLKDEV_SECTOR_SIZE,
		                  .offset = piece.offset,
		                  .length = piece.length,
		                  .folio = t->folio,
		                  .done = transfer_done,
		                  .context = call };
	t->folio = HANDLE_NONE;
	disk_submit(&call->fs->disk, &t->io);
	return CALL_PARKED;
}

// --- Reading -------------------------------------------------------------------------------------

// A hole is zeroes, as a fresh folio is.
static int read_hole(struct call *call, uint32_t index, uint32_t count)
{
	struct transfer *t = &call->data;
	struct piece piece = piece_of(t, index, count);
	void *base;

	if (!t->is_used)
		return 0;
	if (folio_map(t->folio, PROT_READ | PROT_WRITE, &base) < 0)
		return -LINUX_ENOMEM;
	memset((uint8_t *)base + piece.offset, 0, piece.length);
	return 0;
}

static int read_blocks(struct call *call)
{
	struct transfer *t = &call->data;
	struct ext4_run run;
	int result;

	if (t->status != 0)
		return t->status;
	while (t->done < t->count) {
		uint32_t index = t->done;

		result = data_map(call, t->first + index, t->count - index, &run);
		if (result != 0)
			return result;
		t->done += run.count;
		if (run.disk != 0 && !run.unwritten)
			return transfer_move(call, index, run.count, run.disk, false);
		result = read_hole(call, index, run.count);
		if (result != 0)
			return result;
	}
	call->out_folio = t->folio;
	call->out_offset = t->at + within_block(t->offset);
	call->out_len = t->size;
	t->folio = HANDLE_NONE;
	return 0;
}

// A folio of so many bytes for a reply: the client's, if it has lent one. Errors: folio_create's.
static error_t reply_folio(struct call *call, size_t bytes)
{
	struct transfer *t = &call->data;
	struct folio_info info;

	if (call->loan == HANDLE_NONE || folio_info(call->loan, &info) < 0 ||
	    info.flags != FOLIO_CONTIGUOUS || info.size < bytes)
		return folio_create(bytes, FOLIO_CONTIGUOUS, &t->folio);
	t->folio = call->loan;
	t->is_used = true;
	call->loan = HANDLE_NONE;
	return 0;
}

int op_read(struct call *call)
{
	struct transfer *t = &call->data;
	struct reader body = call_reader(call);
	struct fuse_read_in in;
	uint64_t file_size = 0;
	uint32_t size;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0)
		result = call_lock(call, LOCK_SHARED);
	if (result == 0)
		result = data_size(call, &file_size);
	if (result != 0)
		return result;
	size = in.size < FS_MAX_DATA ? in.size : FS_MAX_DATA;
	if (in.offset >= file_size || size == 0)
		return 0;
	if (size > file_size - in.offset)
		size = (uint32_t)(file_size - in.offset);
	transfer_begin(call, in.offset, size);
	// The reply's header is at the end of the page before.
	t->at = EXT4_BLOCK_SIZE;
	if (reply_folio(call, t->at + (size_t)t->count * EXT4_BLOCK_SIZE) < 0)
		return -LINUX_ENOMEM;
	call->run = read_blocks;
	return read_blocks(call);
}

int data_read(struct call *call, uint64_t offset, uint32_t size, handle_t folio, uint32_t at)
{
	struct transfer *t = &call->data;

	transfer_begin(call, offset, size);
	t->low = offset;
	t->high = offset + size;
	// Where the first block would begin: only what is read lies in the folio.
	t->at = at - within_block(offset);
	t->folio = folio;
	t->is_used = true;
	call->run = read_blocks;
	return read_blocks(call);
}
