// SPDX-License-Identifier: MIT
//
// The secret is the first file of the boot disk's archive: a header block (POSIX ustar) and a block
// with its bytes.
#include "apps/engine/engine.h"
#include "libs/abi/blkdev.h"
#include "libs/abi/folio.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define BOOT_DISK "blk:boot"
#define BLOCK BLKDEV_SECTOR_SIZE

static void finish(struct secret *secret, error_t error)
{
	loop_close(secret->loop, &secret->disk);
	handle_close(secret->connector);
	secret->connector = HANDLE_NONE;
	secret->read(secret->context, error);
}

// Asks for the first two blocks. Errors: folio_create's, channel_send's.
static error_t blocks_ask(struct secret *secret)
{
	struct msg_blkdev_request request = { .length = 2 * BLOCK };
	struct message m;
	error_t err = message_encode_blkdev_request(&m, &request, NULL, 0);

	if (err == 0)
		err = folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &m.handles[0]);
	if (err != 0)
		return err;
	m.num_handles = 1;
	err = channel_send(secret->disk.handle, &m);
	if (err != 0)
		message_discard(&m);
	return err;
}

// Errors: ERR_IO, ERR_PROTOCOL, ERR_NOT_FOUND, folio_map's.
static error_t blocks_take(struct secret *secret, const struct message *m)
{
	struct msg_blkdev_reply reply;
	const uint8_t *tail, *blocks;
	size_t tail_len;
	void *base;
	error_t err = message_decode_blkdev_reply(m, &reply, &tail, &tail_len);

	if (err == 0 && reply.status != 0)
		err = ERR_IO;
	if (err == 0 && m->num_handles != 1)
		err = ERR_PROTOCOL;
	if (err == 0)
		err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
	if (err != 0)
		return err;
	blocks = base;
	// The name has a NUL behind it, as all that are shorter than 100 bytes.
	if (memcmp(blocks, ENGINE_SECRET_FILE, sizeof(ENGINE_SECRET_FILE)) != 0 ||
	    memcmp(blocks + 257, "ustar", 5) != 0)
		return ERR_NOT_FOUND;
	memcpy(secret->bytes, blocks + BLOCK, sizeof(secret->bytes));
	// The page goes back to the system.
	memset(base, 0, 2 * BLOCK);
	return 0;
}

static void disk_message(struct loop *loop, struct source *source, struct message *m)
{
	struct secret *secret = source->context;
	error_t err;

	(void)loop;
	if (m->type == MSG_BLKDEV_INFO) {
		message_discard(m);
		err = blocks_ask(secret);
		if (err != 0)
			finish(secret, err);
		return;
	}
	err = blocks_take(secret, m);
	message_discard(m);
	finish(secret, err);
}

static void disk_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	finish(source->context, ERR_PEER_CLOSED);
}

static const struct source_ops disk_ops = { .message = disk_message, .closed = disk_closed };

static void disk_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct secret *secret = opener->context;

	(void)text;
	if (channel != HANDLE_NONE)
		error = loop_add(secret->loop, &secret->disk, channel, &disk_ops, secret);
	if (error != 0)
		finish(secret, error);
}

void secret_read(struct secret *secret, struct loop *loop, handle_t connector,
                 void (*read)(void *context, error_t error), void *context)
{
	secret->loop = loop;
	secret->connector = connector;
	secret->read = read;
	secret->context = context;
	opener_start(&secret->opener, loop, connector, BOOT_DISK, disk_opened, secret);
}
