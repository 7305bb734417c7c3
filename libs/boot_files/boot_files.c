// SPDX-License-Identifier: MIT
#include "libs/boot_files/boot_files.h"

#include "libs/abi/blkdev.h"
#include "libs/abi/folio.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define BOOT_DISK "blk:boot"
#define SECTOR BLKDEV_SECTOR_SIZE

static uint64_t round_up(uint64_t size)
{
	return (size + SECTOR - 1) / SECTOR * SECTOR;
}

static void finish(struct boot_files *files, error_t error)
{
	loop_close(files->loop, &files->disk);
	handle_close(files->connector);
	files->connector = HANDLE_NONE;
	files->done(files->context, error);
}

static void disk_open(struct boot_files *files);

// The disk's driver has ended: its next life has the same bytes.
static void read_again(struct boot_files *files)
{
	loop_close(files->loop, &files->disk);
	for (size_t i = 0; i < files->count; i++) {
		handle_close(files->wanted[i].folio);
		files->wanted[i].folio = HANDLE_NONE;
	}
	files->position = files->num_sectors = files->awaited = 0;
	disk_open(files);
}

// Asks for `length` bytes of the disk, to `offset` of the folio, which is consumed. Errors:
// ERR_RANGE, channel_send's.
static error_t ask(struct boot_files *files, uint64_t from, uint64_t offset, uint64_t length,
                   handle_t folio)
{
	struct msg_blkdev_request request = { .sector = from / SECTOR,
		                              .offset = (uint32_t)offset,
		                              .length = (uint32_t)length };
	struct message m;
	error_t err = message_encode_blkdev_request(&m, &request, NULL, 0);

	m.handles[0] = folio;
	m.num_handles = 1;
	if (err == 0 && !range_within(request.sector, length / SECTOR, files->num_sectors))
		err = ERR_RANGE;
	if (err == 0)
		err = channel_send(files->disk.handle, &m);
	if (err != 0)
		message_discard(&m);
	else
		files->awaited = offset + length;
	return err;
}

static error_t header_ask(struct boot_files *files)
{
	handle_t folio;
	error_t err = folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio);

	files->current = NULL;
	return err != 0 ? err : ask(files, files->position, 0, SECTOR, folio);
}

// Asks for the next piece of the current file.
static error_t piece_ask(struct boot_files *files, handle_t folio)
{
	const struct boot_wanted *file = files->current;
	uint64_t left = round_up(file->size) - files->offset;
	uint64_t length = left < BLKDEV_MAX_BYTES ? left : BLKDEV_MAX_BYTES;
	uint64_t from = files->position - round_up(file->size) + files->offset;
	uint64_t offset = files->offset;

	files->offset += length;
	return ask(files, from, offset, length, folio);
}

// --- What comes ----------------------------------------------------------------------------------

static struct boot_wanted *wanted_find(struct boot_files *files, const struct ustar_entry *entry)
{
	for (size_t i = 0; entry->is_file && i < files->count; i++) {
		struct boot_wanted *file = &files->wanted[i];

		if (file->folio == HANDLE_NONE && strcmp(file->name, entry->name) == 0)
			return file;
	}
	return NULL;
}

// The header's page, which is closed. Errors: ERR_EMPTY: no more of it is wanted.
static error_t header_take(struct boot_files *files, handle_t page)
{
	struct ustar_entry entry;
	handle_t folio;
	void *base;
	error_t err = folio_map(page, PROT_READ, &base);

	if (err == 0)
		err = ustar_entry_parse((struct span){ .data = base, .len = SECTOR }, &entry);
	handle_close(page);
	if (err != 0)
		return err;
	files->current = wanted_find(files, &entry);
	if (files->current == NULL || entry.size == 0)
		return ERR_EMPTY;
	if (entry.size > files->current->max || entry.size > FOLIO_MAX_CONTIGUOUS)
		return ERR_TOO_LARGE;
	files->current->size = entry.size;
	files->offset = 0;
	files->position += SECTOR + round_up(entry.size);
	err = folio_create(round_up(entry.size), FOLIO_CONTIGUOUS, &folio);
	return err != 0 ? err : piece_ask(files, folio);
}

// Errors: ERR_EMPTY: all was read.
static error_t piece_take(struct boot_files *files, handle_t folio)
{
	if (files->offset < round_up(files->current->size))
		return piece_ask(files, folio);
	files->current->folio = folio;
	for (size_t i = 0; i < files->count; i++) {
		if (files->wanted[i].folio == HANDLE_NONE)
			return header_ask(files);
	}
	return ERR_EMPTY;
}

// A reply; its folio is taken. Errors: ERR_EMPTY: no more is wanted.
static error_t reply_take(struct boot_files *files, struct message *m)
{
	struct msg_blkdev_reply reply;
	struct folio_info info;
	const uint8_t *tail;
	size_t tail_len;
	error_t err = message_decode_blkdev_reply(m, &reply, &tail, &tail_len);

	if (err == 0 && reply.status != 0)
		err = ERR_IO;
	if (err == 0 && (m->num_handles != 1 || files->awaited == 0))
		err = ERR_PROTOCOL;
	// It need not be the folio that was sent.
	if (err == 0)
		err = folio_info(m->handles[0], &info);
	if (err == 0 && info.size < files->awaited)
		err = ERR_PROTOCOL;
	files->awaited = 0;
	if (err != 0) {
		message_discard(m);
		return err;
	}
	return files->current == NULL ? header_take(files, m->handles[0])
				      : piece_take(files, m->handles[0]);
}

// What the driver says first.
static error_t info_take(struct boot_files *files, struct message *m)
{
	struct msg_blkdev_info info;
	const uint8_t *tail;
	size_t tail_len;
	error_t err = message_decode_blkdev_info(m, &info, &tail, &tail_len);

	message_discard(m);
	if (err == 0 && (files->num_sectors != 0 || files->awaited != 0))
		err = ERR_PROTOCOL;
	if (err != 0)
		return err;
	files->num_sectors = info.num_sectors;
	return header_ask(files);
}

static void disk_message(struct loop *loop, struct source *source, struct message *m)
{
	struct boot_files *files = source->context;
	error_t err;

	(void)loop;
	err = m->type == MSG_BLKDEV_INFO ? info_take(files, m) : reply_take(files, m);
	// `disk_closed` comes when the driver has ended.
	if (err != 0 && err != ERR_PEER_CLOSED)
		finish(files, err == ERR_EMPTY ? 0 : err);
}

static void disk_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	read_again(source->context);
}

static const struct source_ops disk_ops = { .message = disk_message, .closed = disk_closed };

static void disk_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct boot_files *files = opener->context;

	(void)text;
	if (channel != HANDLE_NONE)
		error = loop_add(files->loop, &files->disk, channel, &disk_ops, files);
	if (error == 0)
		return;
	handle_close(channel);
	finish(files, error);
}

static void disk_open(struct boot_files *files)
{
	opener_start(&files->opener, files->loop, files->connector, BOOT_DISK, disk_opened, files);
}

void boot_files_read(struct boot_files *files, struct loop *loop, handle_t connector,
                     struct boot_wanted *wanted, size_t count,
                     void (*done)(void *context, error_t error), void *context)
{
	*files = (struct boot_files){ .loop = loop,
		                      .connector = connector,
		                      .wanted = wanted,
		                      .count = count,
		                      .done = done,
		                      .context = context };
	disk_open(files);
}

error_t boot_file_take(struct boot_wanted *file, void *out, size_t len)
{
	void *base;
	error_t err = ERR_NOT_FOUND;

	if (file->folio == HANDLE_NONE)
		return err;
	if (file->size >= len)
		err = folio_map(file->folio, PROT_READ | PROT_WRITE, &base);
	if (err == 0) {
		memcpy(out, base, len);
		memset(base, 0, (size_t)round_up(file->size));
	}
	handle_close(file->folio);
	file->folio = HANDLE_NONE;
	return err;
}
