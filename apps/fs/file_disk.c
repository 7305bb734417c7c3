// SPDX-License-Identifier: MIT
//
// A file as a block device (libs/abi/blkdev.h): a session whose requests are those of a disk. Holes
// read as zeroes, and what is written into them gets blocks. Data go between the client's folio and
// the state disk as they are, unless a write begins or ends within a block.
#include "apps/fs/fs.h"
#include "libs/base/span.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

error_t file_disk_greet(const struct session *session)
{
	struct msg_blkdev_info info = { .num_sectors = session->num_sectors,
		                        .flags = session->read_only ? BLKDEV_READ_ONLY
		                                                    : BLKDEV_DISCARDS,
		                        .serial = "file" };
	struct message m;
	error_t err = message_encode_blkdev_info(&m, &info, NULL, 0);

	return err != 0 ? err : channel_send(session->source.handle, &m);
}

// --- Replies -------------------------------------------------------------------------------------

static error_t status_of(int result)
{
	switch (result) {
	case 0: return 0;
	case -LINUX_ENOSPC: return ERR_NO_SPACE;
	case -LINUX_ENOMEM: return ERR_NO_MEMORY;
	case -LINUX_EROFS: return ERR_ACCESS;
	case -LINUX_ESTALE: return ERR_NOT_FOUND;
	default: return ERR_IO;
	}
}

// With the folio (consumed on success) that the request came with, if it is there still.
static error_t reply_send(const struct session *session, uint32_t id, error_t status,
                          handle_t folio)
{
	struct msg_blkdev_reply reply = { .id = id, .status = status };
	struct message m;
	error_t err = message_encode_blkdev_reply(&m, &reply, NULL, 0);

	if (err != 0)
		return err;
	if (folio != HANDLE_NONE) {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	return channel_send(session->source.handle, &m);
}

error_t file_disk_reply(struct call *call, int result)
{
	// A write that was not in whole blocks has one of its own in `data`.
	handle_t *const folios[] = { &call->payload.folio, &call->out_folio, &call->data.folio };
	size_t i = 0;
	error_t err;

	while (i < 2 && *folios[i] == HANDLE_NONE)
		i++;
	err = reply_send(call->session, (uint32_t)call->in.unique, status_of(result), *folios[i]);
	if (err == 0)
		*folios[i] = HANDLE_NONE;
	return err;
}

// --- Who has it ---------------------------------------------------------------------------------

// Who has lost a disk so is not to open it again.
static void revoke(struct session *session)
{
	if (session->ended)
		return;
	if (reply_send(session, BLKDEV_REVOKED, ERR_ACCESS, HANDLE_NONE) != 0)
		log_debug("who had a disk has gone already");
	session_end(session);
}

bool file_disk_is_taken(struct fs *fs, const struct share *share)
{
	bool taken = false;

	list_for_each_safe(entry, &fs->sessions)
	{
		struct session *session = container_of(entry, struct session, entry);

		if (session->is_disk && session->root.inode == share->root.inode &&
		    !(session->read_only && share->read_only))
			revoke(session);
	}
	list_for_each(entry, &fs->sessions) {
		const struct session *session = container_of(entry, struct session, entry);

		taken |= session->is_disk && session->root.inode == share->root.inode &&
			!(session->read_only && share->read_only);
	}
	return taken;
}

// --- Requests ------------------------------------------------------------------------------------

static int read_run(struct call *call)
{
	const struct transfer *t = &call->data;
	handle_t folio = call->loan;
	int result = call_lock(call, LOCK_SHARED);

	if (result != 0)
		return result;
	call->loan = HANDLE_NONE;
	return data_read(call, t->offset, t->size, folio, t->source_at);
}

static int write_run(struct call *call)
{
	const struct transfer *t = &call->data;
	int result = call_lock(call, LOCK_EXCLUSIVE);

	return result != 0 ? result : data_write(call, t->offset, t->size, t->source_at);
}

// The whole blocks of the range become a hole. Others stay as they are: a discard is a wish.
static int discard_run(struct call *call)
{
	const struct transfer *t = &call->data;
	uint64_t from = (t->offset + EXT4_BLOCK_SIZE - 1) / EXT4_BLOCK_SIZE;
	uint64_t to = (t->offset + t->size) / EXT4_BLOCK_SIZE;
	int result = call_lock(call, LOCK_EXCLUSIVE);

	if (result != 0 || from >= to)
		return result;
	result = call_begin(call, EXT4_CREDITS_TRUNCATE);
	if (result == 0)
		result = ext4_punch(&call->fs->update, call->node->id, (uint32_t)from,
		                    (uint32_t)(to - from));
	return call_end_part(call, result);
}

// Errors: ERR_RANGE, ERR_ACCESS.
static error_t discard_take(struct call *call, const struct msg_blkdev_discard *request)
{
	struct transfer *t = &call->data;

	if (request->num_sectors == 0 || request->num_sectors > BLKDEV_MAX_DISCARD ||
	    !range_within(request->sector, request->num_sectors, call->session->num_sectors))
		return ERR_RANGE;
	if (call->session->read_only)
		return ERR_ACCESS;
	t->offset = request->sector * BLKDEV_SECTOR_SIZE;
	t->size = request->num_sectors * BLKDEV_SECTOR_SIZE;
	call->run = discard_run;
	return 0;
}

// Takes the request's folio. Errors: ERR_RANGE, ERR_INVALID, ERR_ACCESS, payload_open_folio's; the
// folio is the call's or lost.
static error_t transfer_take(struct call *call, const struct msg_blkdev_request *request,
                             handle_t folio, bool write)
{
	const struct session *session = call->session;
	struct transfer *t = &call->data;
	struct folio_info info;

	call->loan = folio;
	if (request->length == 0 || request->length % BLKDEV_SECTOR_SIZE != 0 ||
	    request->offset % BLKDEV_SECTOR_SIZE != 0 || folio_info(folio, &info) != 0)
		return ERR_INVALID;
	if (request->length > BLKDEV_MAX_BYTES ||
	    !range_within(request->offset, request->length, info.size) ||
	    !range_within(request->sector, request->length / BLKDEV_SECTOR_SIZE,
	                  session->num_sectors))
		return ERR_RANGE;
	t->offset = request->sector * BLKDEV_SECTOR_SIZE;
	t->size = request->length;
	t->source_at = request->offset;
	call->run = write ? write_run : read_run;
	if (!write)
		return 0;
	if (session->read_only)
		return ERR_ACCESS;
	call->loan = HANDLE_NONE;
	return payload_open_folio(folio, request->offset, request->length, &call->payload);
}

// What is asked of a disk; a flush has neither.
struct disk_request {
	const struct msg_blkdev_request *transfer;
	const struct msg_blkdev_discard *discard;
	bool write;
};

// Begins a request whose number is `id`. Consumes the folio. Errors: those after which the session
// has to go.
static error_t request_begin(struct session *session, uint32_t id, struct disk_request request,
                             handle_t folio)
{
	struct call *call = session->num_calls < BLKDEV_MAX_REQUESTS
		? call_create(session->fs, op_fsync)
		: NULL;
	error_t status = 0;

	if (call == NULL || node_pin(call, session->root) != 0) {
		if (call != NULL)
			call_free(call);
		status = reply_send(session, id, call == NULL ? ERR_FULL : ERR_NO_MEMORY, folio);
		if (status != 0 && folio != HANDLE_NONE)
			handle_close(folio);
		return status;
	}
	session_begin(session, call);
	call->in.unique = id;
	if (request.transfer != NULL)
		status = transfer_take(call, request.transfer, folio, request.write);
	else if (request.discard != NULL)
		status = discard_take(call, request.discard);
	if (status == 0) {
		call_continue(call);
		return 0;
	}
	folio = call->loan;
	call->loan = HANDLE_NONE;
	status = reply_send(session, id, status, folio);
	if (status != 0 && folio != HANDLE_NONE)
		handle_close(folio);
	session->num_calls--;
	call_free(call);
	return status;
}

static error_t take(struct session *session, struct message *m)
{
	bool write = m->type == MSG_BLKDEV_WRITE;
	struct msg_blkdev_request request;
	struct msg_blkdev_discard discard;
	struct msg_blkdev_flush flush;
	const uint8_t *tail;
	size_t tail_len;
	handle_t folio;

	if (write)
		m->type = MSG_BLKDEV_READ;  // which has the same layout
	if (message_decode_blkdev_flush(m, &flush, &tail, &tail_len) == 0)
		return request_begin(session, flush.id, (struct disk_request){ 0 }, HANDLE_NONE);
	if (message_decode_blkdev_discard(m, &discard, &tail, &tail_len) == 0)
		return request_begin(session, discard.id,
		                     (struct disk_request){ .discard = &discard }, HANDLE_NONE);
	if (message_decode_blkdev_request(m, &request, &tail, &tail_len) != 0 ||
	    m->num_handles != 1)
		return ERR_PROTOCOL;
	folio = m->handles[0];
	m->num_handles = 0;
	return request_begin(session, request.id,
	                     (struct disk_request){ .transfer = &request, .write = write }, folio);
}

static void disk_message(struct loop *loop, struct source *source, struct message *m)
{
	struct session *session = source->context;
	error_t err = take(session, m);

	(void)loop;
	message_discard(m);
	if (err != 0) {
		log_warn("a file's disk is closed: %s", error_text(err));
		session_close(session);
	}
}

static void disk_batch_end(struct loop *loop, struct source *source)
{
	struct session *session = source->context;

	(void)loop;
	calls_run(session->fs);
}

static void disk_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	session_close(source->context);
}

const struct source_ops file_disk_ops = {
	.message = disk_message,
	.batch_end = disk_batch_end,
	.closed = disk_closed,
};
