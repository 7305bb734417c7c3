// SPDX-License-Identifier: MIT

#include "libs/linux/disk/disk.h"

#include "libs/base/span.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static void disk_fail(struct disk *disk, error_t error)
{
	disk->ready = false;
	disk->open = false;
	loop_close(disk->loop, &disk->source);
	for (uint32_t i = 0; i < BLKDEV_MAX_REQUESTS; i++) {
		disk_done_fn done = disk->requests[i].done;

		disk->requests[i].done = NULL;
		if (done != NULL)
			done(disk->requests[i].context, error, HANDLE_NONE);
	}
	disk->ops->failed(disk->context, error);
}

static error_t take_info(struct disk *disk, const struct message *m)
{
	struct msg_blkdev_info info;
	const uint8_t *tail;
	size_t tail_len;
	error_t err;

	err = message_decode_blkdev_info(m, &info, &tail, &tail_len);
	if (err < 0)
		return err;
	if (info.num_sectors > UINT64_MAX / BLKDEV_SECTOR_SIZE)
		return ERR_PROTOCOL;
	if (!range_within(disk->region.first_sector, disk->region.num_sectors, info.num_sectors))
		return ERR_RANGE;
	disk->num_sectors = disk->region.num_sectors > 0 ? disk->region.num_sectors
							 : info.num_sectors;
	disk->read_only = (info.flags & BLKDEV_READ_ONLY) != 0;
	disk->discards = !disk->read_only && (info.flags & BLKDEV_DISCARDS) != 0;
	if (!disk->ready) {
		disk->ready = true;
		disk->ops->ready(disk->context);
	}
	return 0;
}

static error_t take_reply(struct disk *disk, struct message *m)
{
	struct msg_blkdev_reply reply;
	struct disk_request *request;
	disk_done_fn done;
	const uint8_t *tail;
	size_t tail_len;
	handle_t folio;
	error_t err;

	err = message_decode_blkdev_reply(m, &reply, &tail, &tail_len);
	if (err < 0)
		return err;
	if (reply.id == BLKDEV_REVOKED)
		return ERR_ACCESS;
	if (reply.id >= BLKDEV_MAX_REQUESTS || disk->requests[reply.id].done == NULL)
		return ERR_PROTOCOL;
	request = &disk->requests[reply.id];
	done = request->done;
	request->done = NULL;
	folio = m->num_handles == 1 ? m->handles[0] : HANDLE_NONE;
	m->num_handles = 0;  // the callback's from now on
	done(request->context,
	     reply.status == 0 && request->has_folio && folio == HANDLE_NONE ? ERR_PROTOCOL
	                                                                     : reply.status,
	     folio);
	return 0;
}

static void disk_message(struct loop *loop, struct source *source, struct message *m)
{
	struct disk *disk = source->context;
	error_t err;

	(void)loop;
	switch (m->type) {
	case MSG_BLKDEV_INFO: err = take_info(disk, m); break;
	case MSG_BLKDEV_REPLY: err = take_reply(disk, m); break;
	default: err = ERR_PROTOCOL; break;
	}
	message_discard(m);
	if (err < 0)
		disk_fail(disk, err);
}

static void disk_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	disk_fail(source->context, ERR_PEER_CLOSED);
}

static const struct source_ops disk_source_ops = { .message = disk_message, .closed = disk_closed };

error_t disk_init(struct disk *disk, struct loop *loop, handle_t channel,
                  const struct disk_ops *ops, void *context)
{
	error_t err;

	*disk = (struct disk){ .loop = loop, .ops = ops, .context = context };
	err = loop_add(loop, &disk->source, channel, &disk_source_ops, disk);
	disk->open = err == 0;
	return err;
}

void disk_deinit(struct disk *disk)
{
	if (disk->open)
		loop_close(disk->loop, &disk->source);
	*disk = (struct disk){ 0 };
}

static uint32_t request_free(const struct disk *disk)
{
	uint32_t id = 0;

	while (id < BLKDEV_MAX_REQUESTS && disk->requests[id].done != NULL)
		id++;
	return id;
}

// Sends `m`, which is encoded, as request `id`. One to a driver that has ended is lost with those
// in hand: its users hear of the death in one way only, from `disk_closed`.
static error_t request_send(struct disk *disk, uint32_t id, struct message *m, disk_done_fn done,
                            void *context)
{
	error_t err = channel_send(disk->source.handle, m);

	if (err < 0 && err != ERR_PEER_CLOSED)
		return err;
	disk->requests[id] = (struct disk_request){ .done = done,
		                                    .context = context,
		                                    .has_folio = m->num_handles == 1 };
	if (err == ERR_PEER_CLOSED)
		message_discard(m);
	return 0;
}

static error_t transfer(struct disk *disk, bool write, uint64_t sector, uint32_t length,
                        handle_t folio, disk_done_fn done, void *context)
{
	struct msg_blkdev_request request = { .id = request_free(disk),
		                              .sector = disk->region.first_sector + sector,
		                              .length = length };
	struct message m;
	error_t err;

	if (!disk->ready)
		return ERR_NOT_READY;
	if (length == 0 || length % BLKDEV_SECTOR_SIZE != 0)
		return ERR_INVALID;
	if (length > BLKDEV_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (!range_within(sector, length / BLKDEV_SECTOR_SIZE, disk->num_sectors))
		return ERR_RANGE;
	if (write && disk->read_only)
		return ERR_ACCESS;
	if (request.id == BLKDEV_MAX_REQUESTS)
		return ERR_FULL;
	err = message_encode_blkdev_request(&m, &request, NULL, 0);
	if (err < 0)
		return err;
	if (write)
		m.type = MSG_BLKDEV_WRITE;  // which has the same layout
	m.handles[0] = folio;
	m.num_handles = 1;
	return request_send(disk, request.id, &m, done, context);
}

error_t disk_read(struct disk *disk, uint64_t sector, uint32_t length, handle_t folio,
                  disk_done_fn done, void *context)
{
	return transfer(disk, false, sector, length, folio, done, context);
}

error_t disk_write(struct disk *disk, uint64_t sector, uint32_t length, handle_t folio,
                   disk_done_fn done, void *context)
{
	return transfer(disk, true, sector, length, folio, done, context);
}

error_t disk_discard(struct disk *disk, uint64_t sector, uint32_t num_sectors, disk_done_fn done,
                     void *context)
{
	struct msg_blkdev_discard request = { .id = request_free(disk),
		                              .sector = disk->region.first_sector + sector,
		                              .num_sectors = num_sectors };
	struct message m;
	error_t err;

	if (!disk->ready)
		return ERR_NOT_READY;
	if (!disk->discards)
		return ERR_NOT_SUPPORTED;
	if (num_sectors == 0 || num_sectors > BLKDEV_MAX_DISCARD ||
	    !range_within(sector, num_sectors, disk->num_sectors))
		return ERR_RANGE;
	if (request.id == BLKDEV_MAX_REQUESTS)
		return ERR_FULL;
	err = message_encode_blkdev_discard(&m, &request, NULL, 0);
	return err < 0 ? err : request_send(disk, request.id, &m, done, context);
}

error_t disk_flush(struct disk *disk, disk_done_fn done, void *context)
{
	struct msg_blkdev_flush request = { .id = request_free(disk) };
	struct message m;
	error_t err;

	if (!disk->ready)
		return ERR_NOT_READY;
	if (request.id == BLKDEV_MAX_REQUESTS)
		return ERR_FULL;
	err = message_encode_blkdev_flush(&m, &request, NULL, 0);
	if (err < 0)
		return err;
	return request_send(disk, request.id, &m, done, context);
}
