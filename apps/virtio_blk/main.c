// SPDX-License-Identifier: MIT
#include "apps/virtio_blk/blk.h"
#include "libs/abi/app.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define URI_SCHEME "blk:"

static struct blk blk;

// The disk that a URI of `len` bytes names; NULL when there is none.
static struct disk *disk_find(const uint8_t *uri, size_t len)
{
	const size_t scheme = sizeof(URI_SCHEME) - 1;

	if (len < scheme || memcmp(uri, URI_SCHEME, scheme) != 0)
		return NULL;
	for (size_t i = 0; i < blk.num_disks; i++) {
		const char *serial = blk.disks[i].info.serial;

		if (strlen(serial) == len - scheme &&
		    memcmp(serial, uri + scheme, len - scheme) == 0)
			return &blk.disks[i];
	}
	return NULL;
}

static error_t disk_open(handle_t session, uint32_t id, struct disk *disk)
{
	handle_t ends[2];
	error_t err;

	err = channel_create(ends);
	if (err != 0)
		return err;
	err = disk_client_create(disk, ends[0]);
	if (err != 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return err;
	}
	err = open_reply_send(session, id, ends[1]);
	// The disk's side sees the end of it.
	if (err != 0)
		handle_close(ends[1]);
	return err;
}

// A connection to the service: open requests only.
static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct msg_open open;
	const uint8_t *uri;
	size_t uri_len;
	struct disk *disk;
	error_t err;

	(void)loop;
	if (message_decode_open(m, &open, &uri, &uri_len) != 0) {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "blkdev understands open requests only");
		return;
	}
	disk = disk_find(uri, uri_len);
	if (disk == NULL) {
		error_send(source->handle, open.id, ERR_NOT_FOUND,
		           "no such disk: it is \"blk:SERIAL\", see the log");
		return;
	}
	err = disk_open(source->handle, open.id, disk);
	if (err != 0)
		error_send(source->handle, open.id, err, "cannot open the disk");
}

static void session_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	heap_free(source);
}

static const struct source_ops session_ops = { .message = session_message,
	                                       .closed = session_closed };

static void session_accepted(void *context, handle_t channel)
{
	struct source *source = heap_alloc(sizeof(*source));

	(void)context;
	if (source == NULL || loop_add(&blk.loop, source, channel, &session_ops, NULL) != 0) {
		log_warn("no memory for another client");
		heap_free(source);
		handle_close(channel);
	}
}

static void virtio_blk_main(const struct environ *env)
{
	const struct env_entry *entry;
	error_t err = loop_init(&blk.loop);

	for (size_t i = 0; err == 0 && (entry = environ_device(env, "virtio,device2", i)) != NULL;
	     i++) {
		if (blk.num_disks == MAX_DISKS) {
			log_warn("more than %u block devices: the others are not used", MAX_DISKS);
			break;
		}
		// One that does not work (it has said why) does not keep the others from working.
		if (disk_start(&blk, &blk.disks[blk.num_disks], entry, i) == 0)
			blk.num_disks++;
	}
	if (err == 0)
		err = service_listen(&blk.loop, &blk.listener, environ_service(env, "blkdev"),
		                     session_accepted, NULL);
	if (err != 0) {
		log_error("cannot provide \"blkdev\": %s", error_text(err));
		process_exit(1);
	}
	loop_run(&blk.loop);
}

APP(virtio_blk, .main = virtio_blk_main, .restart = RESTART_ON_FAULT, .provides = { "blkdev" },
    .needs = { { .kind = NEED_DEVICE, .name = "virtio,device2", .optional = 1 } });
