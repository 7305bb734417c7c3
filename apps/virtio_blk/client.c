// SPDX-License-Identifier: MIT
#include "apps/virtio_blk/blk.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// --- Answers ---

// Errors: channel_send's; the folio is still the caller's then.
static error_t reply_send(struct disk_client *client, uint32_t id, error_t status, handle_t folio)
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
	return channel_send(client->source.handle, &m);
}

// Answers one request and frees it. Errors: ERR_FULL: nothing was done.
static error_t request_answer(struct request *request)
{
	struct disk_client *client = request->client;
	error_t err = 0;

	if (!client->gone) {
		err = reply_send(client, request->id, request->status, request->folio);
		if (err == ERR_FULL)
			return err;
		if (err == 0)
			request->folio = HANDLE_NONE;
	}
	client->in_flight--;
	disk_request_free(client->disk, request);
	return 0;
}

static void request_done(struct request *request)
{
	struct disk_client *client = request->client;
	struct disk *disk = client->disk;

	if (request_answer(request) == ERR_FULL) {
		list_push_back(&client->unsent, &request->entry);
		source_want_writable(&client->source, true);
		return;
	}
	if (!client->gone || client->in_flight > 0)
		return;
	heap_free(client);
	if (--disk->num_leaving == 0)
		disk_settled(disk);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct disk_client *client = source->context;
	struct list *entry;

	(void)loop;
	while ((entry = list_pop_front(&client->unsent)) != NULL) {
		if (request_answer(container_of(entry, struct request, entry)) == ERR_FULL) {
			list_push_front(&client->unsent, entry);
			return;
		}
	}
	source_want_writable(source, false);
}

// --- Requests ---

// Refuses the request that `m` holds; its folio goes back with the answer.
static void request_refuse(struct disk_client *client, struct message *m, uint32_t id,
                           error_t status)
{
	handle_t folio = m->num_handles == 1 ? m->handles[0] : HANDLE_NONE;

	// Who does not even read the refusals loses the folio.
	if (reply_send(client, id, status, folio) != 0)
		message_discard(m);
}

// Checks a read or write. Errors: the status to refuse it with.
static error_t request_check(const struct disk_client *client,
                             const struct msg_blkdev_request *request, bool write, handle_t folio,
                             uint64_t *paddr)
{
	const struct msg_blkdev_info *disk = &client->disk->info;
	struct folio_info info;
	error_t err;

	if (request->length == 0 || (request->length | request->offset) % BLKDEV_SECTOR_SIZE != 0)
		return ERR_INVALID;
	if (request->length > BLKDEV_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (!range_within(request->sector, request->length / BLKDEV_SECTOR_SIZE,
	                  disk->num_sectors - client->first_sector))
		return ERR_RANGE;
	if (write && (disk->flags & BLKDEV_READ_ONLY) != 0)
		return ERR_ACCESS;
	err = folio_info(folio, &info);
	if (err != 0)
		return err;
	if (info.paddr == 0)
		return ERR_NOT_SUPPORTED;  // lazy: it has no one address
	// Others have it, and it stays as it is.
	if (!write && (info.flags & FOLIO_READ_ONLY) != 0)
		return ERR_ACCESS;
	if (!range_within(request->offset, request->length, info.size))
		return ERR_RANGE;
	*paddr = info.paddr + request->offset;
	return client->in_flight < BLKDEV_MAX_REQUESTS ? 0 : ERR_FULL;
}

static void handle_transfer(struct disk_client *client, struct message *m)
{
	bool write = m->type == MSG_BLKDEV_WRITE;
	struct msg_blkdev_request request;
	const uint8_t *tail;
	size_t tail_len;
	uint64_t paddr;
	error_t err;

	m->type = MSG_BLKDEV_READ;  // both have the same layout
	if (message_decode_blkdev_request(m, &request, &tail, &tail_len) != 0 ||
	    m->num_handles != 1) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL,
		           "a transfer has a blkdev_request and one folio");
		return;
	}
	err = request_check(client, &request, write, m->handles[0], &paddr);
	if (err != 0) {
		request_refuse(client, m, request.id, err);
		return;
	}
	request.sector += client->first_sector;
	disk_submit(client->disk, client, write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, &request,
	            m->handles[0], paddr);
}

static void handle_flush(struct disk_client *client, struct message *m)
{
	struct msg_blkdev_flush flush;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_blkdev_flush(m, &flush, &tail, &tail_len) != 0) {
		message_discard(m);
		error_send(client->source.handle, 0, ERR_PROTOCOL, "not a flush");
		return;
	}
	if (client->in_flight >= BLKDEV_MAX_REQUESTS) {
		request_refuse(client, m, flush.id, ERR_FULL);
	} else if (!virtio_device_has(&client->disk->device, VIRTIO_BLK_F_FLUSH)) {
		// Without the feature all that was written is stable already (5.2.6.2).
		request_refuse(client, m, flush.id, 0);
	} else {
		struct msg_blkdev_request request = { .id = flush.id };

		disk_submit(client->disk, client, VIRTIO_BLK_T_FLUSH, &request, HANDLE_NONE, 0);
	}
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct disk_client *client = source->context;

	(void)loop;
	switch (m->type) {
	case MSG_BLKDEV_READ:
	case MSG_BLKDEV_WRITE: handle_transfer(client, m); break;
	case MSG_BLKDEV_FLUSH: handle_flush(client, m); break;
	default:
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "a disk understands read, write and flush");
		break;
	}
}

static void client_batch_end(struct loop *loop, struct source *source)
{
	struct disk_client *client = source->context;

	(void)loop;
	disk_kick(client->disk);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct disk_client *client = source->context;
	struct list *entry;

	list_remove(&client->entry);
	loop_close(loop, source);
	client->gone = true;
	while ((entry = list_pop_front(&client->unsent)) != NULL)
		(void)request_answer(container_of(entry, struct request, entry));
	if (client->in_flight > 0)
		client->disk->num_leaving++;
	else
		heap_free(client);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.batch_end = client_batch_end,
	.writable = client_writable,
	.closed = client_closed,
};

error_t disk_clients_settle(struct disk *disk)
{
	list_for_each_safe(entry, &disk->clients)
	{
		struct source *source = &container_of(entry, struct disk_client, entry)->source;
		error_t err = handle_wait(source->handle, READY_CLOSED, 0);

		if (err == 0)
			client_closed(&disk->blk->loop, source);
		else if (err != ERR_TIMED_OUT)
			return err;
	}
	return disk->num_leaving == 0 ? 0 : ERR_NOT_READY;
}

error_t disk_client_create(struct disk *disk, uint64_t first_sector, const char *app,
                           handle_t channel)
{
	struct disk_client *client = heap_alloc(sizeof(*client));
	struct msg_blkdev_info info = disk->info;
	struct message m;
	error_t err;

	if (client == NULL)
		return ERR_NO_MEMORY;
	client->disk = disk;
	client->first_sector = first_sector;
	str_copy(client->app, app, sizeof(client->app));
	info.num_sectors -= first_sector;
	list_init(&client->unsent);
	err = message_encode_blkdev_info(&m, &info, NULL, 0);
	if (err == 0)
		err = channel_send(channel, &m);
	if (err == 0)
		err = loop_add(&disk->blk->loop, &client->source, channel, &client_ops, client);
	if (err != 0) {
		heap_free(client);
		return err;
	}
	client->done = request_done;
	list_push_back(&disk->clients, &client->entry);
	if (disk->full)
		source_want_messages(&client->source, false);
	return 0;
}
