// SPDX-License-Identifier: MIT
#include "apps/fs/disk.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define SECTORS_PER_BLOCK (EXT4_BLOCK_SIZE / BLKDEV_SECTOR_SIZE)

// What was on its way is lost with the disk's driver, and its memory. The next instance has all
// that was answered (kept.c), and is asked again for what was not.
_Noreturn static void disk_lost(const char *why)
{
	log_error("the state disk is gone: %s", why);
	process_exit(1);
}

// --- Requests of bytes in folios -----------------------------------------------------------------

static void io_end(struct disk *disk, struct disk_io *io, error_t error)
{
	if (error != 0 && log_is_due(++disk->num_errors))
		log_error("the state disk: %s of %u bytes at byte %lu failed: %s",
		          io->flush ? "a flush" : (io->write ? "a write" : "a read"), io->length,
		          (unsigned long)(io->sector * BLKDEV_SECTOR_SIZE), error_text(error));
	io->done(io, error == 0 ? 0 : -LINUX_EIO);
}

// Sends the request in that slot. Errors: channel_send's; the folio is here still.
static error_t io_send(struct disk *disk, struct disk_io *io, uint32_t slot)
{
	struct msg_blkdev_request request = { .sector = io->sector,
		                              .id = slot,
		                              .offset = io->offset,
		                              .length = io->length };
	struct msg_blkdev_flush flush = { .id = slot };
	struct message m;
	error_t err;

	if (io->flush) {
		err = message_encode_blkdev_flush(&m, &flush, NULL, 0);
	} else {
		err = message_encode_blkdev_request(&m, &request, NULL, 0);
		if (io->write)
			m.type = MSG_BLKDEV_WRITE;
		m.handles[0] = io->folio;
		m.num_handles = 1;
	}
	return err != 0 ? err : channel_send(disk->source.handle, &m);
}

// `done` comes from the event loop, also of what could not be sent.
static void io_fail(struct disk *disk, struct disk_io *io)
{
	error_t err = event_signal(disk->failures.handle, 1);

	assert(err == 0);
	list_push_back(&disk->failed, &io->entry);
}

static void pending_send(struct disk *disk)
{
	while (disk->num_busy < BLKDEV_MAX_REQUESTS && !list_is_empty(&disk->pending)) {
		struct disk_io *io =
			container_of(list_pop_front(&disk->pending), struct disk_io, entry);
		uint32_t slot = 0;
		error_t err;

		while (disk->slots[slot] != NULL)
			slot++;
		err = io_send(disk, io, slot);
		if (err == ERR_PEER_CLOSED)
			disk_lost(error_text(err));
		if (err != 0) {
			io_fail(disk, io);
			continue;
		}
		io->folio = HANDLE_NONE;
		disk->slots[slot] = io;
		disk->num_busy++;
	}
}

void disk_submit(struct disk *disk, struct disk_io *io)
{
	list_push_back(&disk->pending, &io->entry);
	pending_send(disk);
}

static void reply_take(struct disk *disk, struct message *m)
{
	struct msg_blkdev_reply reply;
	struct disk_io *io;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_blkdev_reply(m, &reply, &tail, &tail_len) != 0)
		reply = (struct msg_blkdev_reply){ .id = BLKDEV_MAX_REQUESTS };
	io = reply.id < BLKDEV_MAX_REQUESTS ? disk->slots[reply.id] : NULL;
	if (io == NULL)
		disk_lost("its driver answered what nobody asked");
	disk->slots[reply.id] = NULL;
	disk->num_busy--;
	if (m->num_handles == 1) {
		io->folio = m->handles[0];
		m->num_handles = 0;
	}
	if (io->folio == HANDLE_NONE && !io->flush && reply.status == 0)
		disk_lost("its driver kept what it was given");
	pending_send(disk);
	io_end(disk, io, reply.status);
}

static bool failed_end(struct disk *disk)
{
	struct list *entry = list_pop_front(&disk->failed);

	if (entry == NULL)
		return false;
	io_end(disk, container_of(entry, struct disk_io, entry), ERR_NO_MEMORY);
	return true;
}

// --- The file system's requests ------------------------------------------------------------------

static void meta_done(struct disk_io *io, int status);

// Puts the next piece of the request into a folio. Errors: payload_copy's.
static error_t meta_prepare(struct disk_meta *meta)
{
	const struct ext4_io *request = meta->request;
	uint32_t left = request->count - meta->done;
	uint32_t blocks = left < DISK_META_BLOCKS ? left : DISK_META_BLOCKS;
	struct disk_io *io = &meta->io;

	io->sector = (request->block + meta->done) * SECTORS_PER_BLOCK;
	io->length = blocks * EXT4_BLOCK_SIZE;
	if (io->flush)
		return 0;
	if (io->write)
		return payload_copy(request->bytes + (size_t)meta->done * EXT4_BLOCK_SIZE,
		                    io->length, &io->folio);
	return folio_create(io->length, FOLIO_CONTIGUOUS, &io->folio);
}

static void meta_piece(struct disk_meta *meta)
{
	if (meta_prepare(meta) < 0)
		io_fail(meta->disk, &meta->io);
	else
		disk_submit(meta->disk, &meta->io);
}

static void meta_start(struct disk *disk)
{
	while (!list_is_empty(&disk->free_meta) && !list_is_empty(&disk->waiting_meta)) {
		struct disk_meta *meta =
			container_of(list_pop_front(&disk->free_meta), struct disk_meta, entry);

		meta->request =
			container_of(list_pop_front(&disk->waiting_meta), struct ext4_io, entry);
		meta->done = 0;
		meta->io = (struct disk_io){ .write = meta->request->write,
			                     .flush = meta->request->count == 0,
			                     .done = meta_done,
			                     .context = meta };
		meta_piece(meta);
	}
}

// What was read goes to where the file system wants it. Errors: payload_open_folio's.
static error_t meta_take(struct disk_meta *meta)
{
	struct payload payload = { 0 };
	handle_t folio = meta->io.folio;
	error_t err;

	if (meta->io.flush)
		return 0;
	meta->io.folio = HANDLE_NONE;
	if (meta->io.write) {
		handle_close(folio);
		return 0;
	}
	err = payload_open_folio(folio, 0, meta->io.length, &payload);
	if (err == 0)
		memcpy(meta->request->bytes + (size_t)meta->done * EXT4_BLOCK_SIZE,
		       payload.bytes.data, payload.bytes.len);
	payload_release(&payload);
	return err;
}

static void meta_done(struct disk_io *io, int status)
{
	struct disk_meta *meta = io->context;
	struct ext4_io *request = meta->request;
	struct disk *disk = meta->disk;

	if (status == 0 && meta_take(meta) < 0)
		status = -LINUX_ENOMEM;
	if (io->folio != HANDLE_NONE)
		handle_close(io->folio);
	io->folio = HANDLE_NONE;
	meta->done += io->length / EXT4_BLOCK_SIZE;
	if (status == 0 && meta->done < request->count) {
		meta_piece(meta);
		return;
	}
	list_push_back(&disk->free_meta, &meta->entry);
	meta_start(disk);
	request->done(request, status);
}

static void device_submit(struct ext4_device *device, struct ext4_io *request)
{
	struct disk *disk = container_of(device, struct disk, device);

	list_push_back(&disk->waiting_meta, &request->entry);
	meta_start(disk);
}

static void device_flush(struct ext4_device *device, struct ext4_io *request)
{
	request->count = 0;
	device_submit(device, request);
}

static void device_wait(struct ext4_device *device)
{
	struct disk *disk = container_of(device, struct disk, device);
	struct message m;
	error_t err;

	if (failed_end(disk))
		return;
	assert(disk->num_busy > 0);
	err = recv_wait(disk->source.handle, NSEC_NEVER, &m);
	if (err != 0)
		disk_lost(error_text(err));
	reply_take(disk, &m);
	message_discard(&m);
}

// --- The channel ---------------------------------------------------------------------------------

static void disk_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	reply_take(source->context, m);
	message_discard(m);
}

static void disk_batch_end(struct loop *loop, struct source *source)
{
	struct disk *disk = source->context;

	(void)loop;
	disk->batch_end(disk->context);
}

static void disk_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
	disk_lost("its driver has ended");
}

static const struct source_ops disk_ops = { .message = disk_message,
	                                    .batch_end = disk_batch_end,
	                                    .closed = disk_closed };

static void disk_failures(struct loop *loop, struct source *source)
{
	struct disk *disk = source->context;
	uint64_t count;
	error_t err = event_take(source->handle, &count);

	(void)loop;
	assert(err == 0);
	while (failed_end(disk)) {
	}
	disk->batch_end(disk->context);
}

static const struct source_ops failure_ops = { .signalled = disk_failures };

static error_t info_take(struct disk *disk, handle_t channel)
{
	struct msg_blkdev_info info;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = recv_wait(channel, NSEC_NEVER, &m);

	if (err != 0)
		return err;
	err = message_decode_blkdev_info(&m, &info, &tail, &tail_len);
	message_discard(&m);
	if (err != 0)
		return err;
	disk->device = (struct ext4_device){ .num_blocks = info.num_sectors / SECTORS_PER_BLOCK,
		                             .read_only = (info.flags & BLKDEV_READ_ONLY) != 0,
		                             .submit = device_submit,
		                             .flush = device_flush,
		                             .wait = device_wait };
	return 0;
}

error_t disk_open(struct disk *disk, struct loop *loop, handle_t channel)
{
	handle_t event;
	error_t err = info_take(disk, channel);

	if (err != 0)
		return err;
	list_init(&disk->pending);
	list_init(&disk->waiting_meta);
	list_init(&disk->failed);
	list_init(&disk->free_meta);
	for (uint32_t i = 0; i < DISK_META_MAX; i++) {
		disk->meta[i].disk = disk;
		list_push_back(&disk->free_meta, &disk->meta[i].entry);
	}
	disk->loop = loop;
	err = event_create(&event);
	if (err != 0)
		return err;
	err = loop_add(loop, &disk->failures, event, &failure_ops, disk);
	if (err != 0) {
		handle_close(event);
		return err;
	}
	err = loop_add(loop, &disk->source, channel, &disk_ops, disk);
	if (err != 0)
		loop_close(loop, &disk->failures);
	disk->open = err == 0;
	return err;
}

void disk_close(struct disk *disk)
{
	if (!disk->open)
		return;
	loop_close(disk->loop, &disk->failures);
	loop_close(disk->loop, &disk->source);
	disk->open = false;
}
