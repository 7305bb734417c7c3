// SPDX-License-Identifier: MIT
//
// Open requests. One waits until the device has done what clients that are gone have asked of it:
// a write of theirs could hit a block that the next one uses, as when a file system's app dies and
// is started again.
#include "apps/virtio_blk/blk.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define URI_SCHEME "blk:"

// What follows a serial in a URI: nothing, or "@" and the disk's first sector, below `num_sectors`.
static bool first_sector_take(const uint8_t *text, size_t len, uint64_t num_sectors, uint64_t *out)
{
	*out = 0;
	if (len == 0)
		return true;
	return text[0] == '@' && num_sectors > 0 &&
		decimal_read(span_make(text + 1, len - 1), num_sectors - 1, out);
}

// The disk that a URI of `len` bytes names, and where it begins; NULL when there is none.
static struct disk *disk_find(struct blk *blk, const uint8_t *uri, size_t len,
                              uint64_t *first_sector)
{
	const size_t scheme = sizeof(URI_SCHEME) - 1;

	if (len < scheme || memcmp(uri, URI_SCHEME, scheme) != 0)
		return NULL;
	uri += scheme;
	len -= scheme;
	for (size_t i = 0; i < blk->num_disks; i++) {
		const struct msg_blkdev_info *info = &blk->disks[i].info;
		size_t serial = strlen(info->serial);

		if (serial <= len && memcmp(info->serial, uri, serial) == 0 &&
		    first_sector_take(uri + serial, len - serial, info->num_sectors, first_sector))
			return &blk->disks[i];
	}
	return NULL;
}

static error_t disk_open(const struct session *session, struct disk *disk)
{
	char app[APP_NAME_MAX] = "";
	handle_t ends[2];
	error_t err;

	(void)!channel_maker(session->source.handle, app);
	err = channel_create(ends);
	if (err != 0)
		return err;
	err = disk_client_create(disk, session->first_sector, app, ends[0]);
	if (err != 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return err;
	}
	err = open_reply_send(session->source.handle, session->id, ends[1]);
	// The disk's side sees the end of it.
	if (err != 0)
		handle_close(ends[1]);
	return err;
}

// Answers the session's open, or has it wait.
static void session_open(struct session *session, struct disk *disk)
{
	error_t err = disk_clients_settle(disk);

	if (err == ERR_NOT_READY) {
		list_push_back(&disk->opens, &session->entry);
		source_want_messages(&session->source, false);
		return;
	}
	if (err == 0)
		err = disk_open(session, disk);
	if (err != 0)
		error_send(session->source.handle, session->id, err, "cannot open the disk");
}

void disk_settled(struct disk *disk)
{
	// One of them may find that another client is gone: the rest waits for that, too.
	while (disk->num_leaving == 0 && !list_is_empty(&disk->opens)) {
		struct list *entry = list_pop_front(&disk->opens);
		struct session *session = container_of(entry, struct session, entry);

		source_want_messages(&session->source, true);
		session_open(session, disk);
	}
}

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct session *session = source->context;
	struct msg_blkdev_count count;
	struct msg_open open;
	const uint8_t *uri;
	size_t uri_len;
	uint64_t first_sector;
	struct disk *disk;

	(void)loop;
	if (message_decode_blkdev_count(m, &count, &uri, &uri_len) == 0) {
		counts_tell(session->blk, source->handle, count.id);
		return;
	}
	if (message_decode_open(m, &open, &uri, &uri_len) != 0) {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "blkdev understands open and count requests only");
		return;
	}
	disk = disk_find(session->blk, uri, uri_len, &first_sector);
	if (disk == NULL) {
		error_send(source->handle, open.id, ERR_NOT_FOUND,
		           "no such disk: it is \"blk:SERIAL\", see the log");
		return;
	}
	session->id = open.id;
	session->first_sector = first_sector;
	session_open(session, disk);
}

// Of a session whose open waits this comes after the answer.
static void session_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	heap_free(source->context);
}

static const struct source_ops session_ops = { .message = session_message,
	                                       .closed = session_closed };

void session_accepted(void *context, handle_t channel)
{
	struct blk *blk = context;
	struct session *session = heap_alloc(sizeof(*session));

	if (session == NULL ||
	    loop_add(&blk->loop, &session->source, channel, &session_ops, session) != 0) {
		log_warn("no memory for another client");
		heap_free(session);
		handle_close(channel);
		return;
	}
	session->blk = blk;
}
