// SPDX-License-Identifier: MIT
//
// The window: long requests and replies by a disk, whose memory is the host's server's, because a
// port moves a page at a time. Which slot is whose is decided here, and kept until the reply came.
// Without a free slot a request goes by the port. What is lost with the disk's driver is lost with
// all sessions, as when the port is.
#include "apps/hostfs/hostfs.h"
#include "libs/abi/folio.h"
#include "libs/abi/fuse.h"
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define HEADER ((uint32_t)sizeof(struct files_port_header))
#define SLOT_SECTORS (FILES_WINDOW_SLOT_BYTES / BLKDEV_SECTOR_SIZE)
// Of the slots, for one session: whoever takes them for long leaves others some.
#define SESSION_SLOTS (FILES_WINDOW_SLOTS / 2)

static uint32_t sectors_up(uint32_t length)
{
	return (length + BLKDEV_SECTOR_SIZE - 1) / BLKDEV_SECTOR_SIZE * BLKDEV_SECTOR_SIZE;
}

static uint64_t slot_sector(const struct hostfs *fs, const struct slot *slot)
{
	return (uint64_t)(slot - fs->slots) * SLOT_SECTORS;
}

static struct slot *slot_take(struct hostfs *fs, uint32_t session, uint64_t unique)
{
	struct slot *found = NULL;
	uint32_t has = 0;

	for (uint32_t i = 0; fs->window.ready && i < FILES_WINDOW_SLOTS; i++) {
		struct slot *slot = &fs->slots[i];

		if (slot->state == SLOT_FREE)
			found = slot;
		else if (slot->session == session)
			has++;
	}
	if (found == NULL || has >= SESSION_SLOTS)
		return NULL;
	*found = (struct slot){ .fs = fs, .session = session, .unique = unique };
	return found;
}

uint8_t window_give(struct hostfs *fs, uint32_t session, uint64_t unique)
{
	struct slot *slot = slot_take(fs, session, unique);

	if (slot == NULL)
		return 0;
	slot->state = SLOT_ASKED;
	return (uint8_t)(slot - fs->slots + 1);
}

void window_take_back(struct hostfs *fs, uint8_t slot)
{
	fs->slots[slot - 1].state = SLOT_FREE;
}

// --- Requests ------------------------------------------------------------------------------------

static void frame_send(struct hostfs *fs, struct slot *slot)
{
	struct message m;
	error_t err;

	if (!session_is_open(fs, slot->session)) {
		slot->state = SLOT_FREE;
		return;
	}
	err = payload_make(&m, &slot->header, HEADER);
	assert(err == 0);  // it is inline
	slot->state = SLOT_ASKED;
	port_send(fs, &m);
}

void window_resume(struct hostfs *fs)
{
	for (uint32_t i = 0; i < FILES_WINDOW_SLOTS && port_is_ready(fs); i++) {
		if (fs->slots[i].state == SLOT_READY)
			frame_send(fs, &fs->slots[i]);
	}
}

static void disk_is_lost(struct hostfs *fs, handle_t folio)
{
	if (folio != HANDLE_NONE)
		handle_close(folio);
	port_lost(fs, "the disk that they come by has failed");
}

static void request_written(void *context, error_t status, handle_t folio)
{
	struct slot *slot = context;
	struct hostfs *fs = slot->fs;

	if (status < 0 || slot->session == 0) {
		slot->state = SLOT_FREE;
		if (slot->session != 0)
			disk_is_lost(fs, folio);
		else if (folio != HANDLE_NONE)
			handle_close(folio);
		return;
	}
	session_folio_back(fs, slot->session, folio);
	slot->state = SLOT_READY;
	window_resume(fs);
}

bool window_write(struct hostfs *fs, const struct files_port_header *header, uint32_t offset,
                  uint64_t unique, handle_t folio)
{
	const uint32_t length = header->length - HEADER;
	struct slot *slot;

	if (length < FILES_WINDOW_MIN_BYTES || offset > FILES_WINDOW_SLOT_BYTES - length)
		return false;
	slot = slot_take(fs, header->session, unique);
	if (slot == NULL)
		return false;
	slot->header = *header;
	slot->header.slot = (uint8_t)(slot - fs->slots + 1);
	slot->header.flags = FILES_PORT_PLACED;
	slot->header.offset = offset;
	slot->state = SLOT_WRITING;
	if (disk_write(&fs->window, slot_sector(fs, slot), sectors_up(offset + length), folio,
	               request_written, slot) == 0)
		return true;
	slot->state = SLOT_FREE;
	return false;
}

// --- Replies -------------------------------------------------------------------------------------

// The reply was read, or there was no memory for it.
static void reply_give(struct slot *slot, handle_t folio)
{
	const struct fuse_out_header out = { .len = sizeof(out),
		                             .error = -LINUX_ENOMEM,
		                             .unique = slot->unique };
	struct msg_files_fuse fuse = { .length = folio != HANDLE_NONE ? slot->length
		                                                      : sizeof(out) };
	struct message m;
	error_t err = message_encode_files_fuse(&m, &fuse,
	                                        folio != HANDLE_NONE ? NULL : (const void *)&out,
	                                        folio != HANDLE_NONE ? 0 : sizeof(out));

	assert(err == 0);
	if (folio != HANDLE_NONE) {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	slot->state = SLOT_FREE;
	session_reply(slot->fs, slot->session, &m);
}

static void reply_read(void *context, error_t status, handle_t folio)
{
	struct slot *slot = context;

	if (status == 0 && slot->session != 0) {
		reply_give(slot, folio);
		return;
	}
	slot->state = SLOT_FREE;
	if (slot->session != 0)
		disk_is_lost(slot->fs, folio);
	else if (folio != HANDLE_NONE)
		handle_close(folio);
}

error_t window_reply(struct hostfs *fs, const struct files_port_header *header)
{
	const uint32_t length = header->length - HEADER;
	struct slot *slot;
	handle_t folio;

	if (header->slot < 1 || header->slot > FILES_WINDOW_SLOTS ||
	    length < sizeof(struct fuse_out_header) || length > FILES_MAX_BYTES ||
	    header->offset != 0)
		return ERR_PROTOCOL;
	slot = &fs->slots[header->slot - 1];
	if (slot->state != SLOT_ASKED || slot->session != header->session)
		return ERR_PROTOCOL;
	slot->length = length;
	folio = session_loan(fs, slot->session);
	if (folio == HANDLE_NONE &&
	    folio_create(sectors_up(length), FOLIO_CONTIGUOUS, &folio) < 0) {
		reply_give(slot, HANDLE_NONE);
		return 0;
	}
	slot->state = SLOT_READING;
	if (disk_read(&fs->window, slot_sector(fs, slot), sectors_up(length), folio, reply_read,
	              slot) == 0)
		return 0;
	handle_close(folio);
	reply_give(slot, HANDLE_NONE);
	return 0;
}

void window_release(struct hostfs *fs, uint32_t session, uint64_t unique)
{
	for (uint32_t i = 0; i < FILES_WINDOW_SLOTS; i++) {
		struct slot *slot = &fs->slots[i];

		if (slot->state == SLOT_ASKED && slot->session == session &&
		    slot->unique == unique) {
			slot->state = SLOT_FREE;
			return;
		}
	}
}

void window_forget(struct hostfs *fs, uint32_t session)
{
	for (uint32_t i = 0; i < FILES_WINDOW_SLOTS; i++) {
		struct slot *slot = &fs->slots[i];

		if (session != 0 && slot->session != session)
			continue;
		// What the disk has comes back.
		if (slot->state == SLOT_WRITING || slot->state == SLOT_READING)
			slot->session = 0;
		else
			slot->state = SLOT_FREE;
	}
}

// --- The disk ------------------------------------------------------------------------------------

static void window_ready(void *context)
{
	struct hostfs *fs = context;

	if (fs->window.num_sectors < (uint64_t)FILES_WINDOW_SLOTS * SLOT_SECTORS) {
		log_warn("the disk \"" FILES_WINDOW "\" is too small: it is not used");
		fs->window.ready = false;
	}
}

static void window_failed(void *context, error_t error)
{
	struct hostfs *fs = context;

	log_warn("the disk \"" FILES_WINDOW "\" is gone: %s", error_text(error));
	// A request whose reply was to come by it gets none.
	for (uint32_t i = 0; i < FILES_WINDOW_SLOTS; i++) {
		if (fs->slots[i].state != SLOT_FREE) {
			port_lost(fs, "the disk that they come by is gone");
			break;
		}
	}
	window_open(fs);
}

static const struct disk_ops window_ops = { .ready = window_ready, .failed = window_failed };

static void window_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct hostfs *fs = opener->context;

	(void)text;
	fs->window_opening = false;
	fs->has_no_window = error == ERR_NOT_FOUND;
	if (channel != HANDLE_NONE &&
	    disk_init(&fs->window, &fs->loop, channel, &window_ops, fs) < 0)
		handle_close(channel);
}

void window_open(struct hostfs *fs)
{
	if (fs->blkdev == HANDLE_NONE || fs->window.open || fs->window_opening || fs->has_no_window)
		return;
	fs->window_opening = true;
	opener_start(&fs->window_opener, &fs->loop, fs->blkdev, "blk:" FILES_WINDOW, window_opened,
	             fs);
}
