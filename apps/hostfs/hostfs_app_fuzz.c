// SPDX-License-Identifier: MIT
//
// The app between clients that say anything and a host that does, on its port and in the window,
// whose disk comes and goes. An input is a list of steps: what, how, a length, and so many bytes.
// At the end everybody leaves, and nothing may be left.
#include <stdlib.h>

#include "apps/hostfs/main.c"
#include "libs/abi/blkdev.h"
#include "libs/abi/fuse.h"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 3u

#define FRAME (sizeof(struct files_port_header) + sizeof(struct fuse_out_header))

static handle_t service, client, sessions[SESSIONS], console, port, disks, disk;

static void begin(void)
{
	fake_reset();
	memset(&hostfs, 0, sizeof(hostfs));
	memset(sessions, 0, sizeof(sessions));
	console = port = disks = disk = HANDLE_NONE;
	service = fake_service_create();
	hostfs.console = fake_connector_create();
	hostfs.blkdev = fake_connector_create();
	list_init(&hostfs.sessions);
	if (loop_init(&hostfs.loop) != 0 || clients_init(&hostfs, service) != 0)
		abort();
	client = fake_client_connect(service);
	fake_loop_settle(&hostfs.loop);
}

// A provider answers an open request with a channel, whose end is in `*end`, or refuses it.
static void open_answers(handle_t connector, handle_t *provider, bool refuses, handle_t *end)
{
	if (!fake_provider_asked(connector, provider))
		return;
	if (refuses || *end != HANDLE_NONE || !fake_provider_opens(*provider, end))
		error_send(*provider, 1, refuses ? ERR_NOT_FOUND : ERR_LIMIT, "none");
}

static void disk_tells(uint8_t how)
{
	struct msg_blkdev_info info = { .num_sectors = (how & 64) != 0 ? 512 : 8704 };
	struct message m;

	if (message_encode_blkdev_info(&m, &info, NULL, 0) != 0)
		abort();
	fake_send(disk, &m);
}

// Answers a request of the disk: as it should be, as failed, without its folio, or as another.
static void disk_answers(uint8_t how)
{
	struct msg_blkdev_reply reply = { .status = (how & 8) != 0 ? ERR_IO : 0 };
	struct msg_blkdev_request request;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	handle_t folio;

	if (!fake_take(disk, &m, &folio))
		return;
	m.type = MSG_BLKDEV_READ;  // a write has the same layout
	m.handles[0] = folio;
	m.num_handles = 1;
	if (message_decode_blkdev_request(&m, &request, &tail, &tail_len) != 0)
		abort();
	reply.id = request.id + ((how & 48) == 48);
	if (message_encode_blkdev_reply(&m, &reply, NULL, 0) != 0)
		abort();
	if ((how & 48) == 16) {
		handle_close(folio);
	} else {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	fake_send(disk, &m);
}

// The disk comes, answers, or goes.
static void disk_does(uint8_t how)
{
	if (disk == HANDLE_NONE) {
		open_answers(hostfs.blkdev, &disks, (how & 7) == 7, &disk);
		if (disk != HANDLE_NONE)
			disk_tells(how);
	} else if ((how & 7) == 7) {
		fake_close(&disk);
	} else {
		disk_answers(how);
	}
}

// Anything as MSG_FILES_FUSE, most of it a request that fits.
static void ask(handle_t session, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_files_fuse fuse = { .offset = how & 0x18, .length = 40 + (how & 7) * 700u };
	struct fuse_in_header in = { .len = fuse.length, .opcode = how & 3 };
	uint8_t bytes[MESSAGE_MAX_DATA] = { 0 };

	if (len > 60)
		len = 60;
	if ((how & 32) != 0 && len >= sizeof(fuse))
		memcpy(&fuse, data, sizeof(fuse));
	memcpy(bytes, &fuse, sizeof(fuse));
	memcpy(bytes + sizeof(fuse), &in, sizeof(in));
	memcpy(bytes + sizeof(fuse) + sizeof(in), data, len);
	if ((how & 7) == 0 && (how & 32) == 0)
		len = 0;
	fake_say(session, (how & 64) != 0 && len > 0 ? data[0] : MSG_FILES_FUSE, bytes,
	         sizeof(fuse) + sizeof(in) + len, fake_cargo((how & 7) != 0, (how & 128) == 0),
	         8192);
}

// The host's bytes, in pieces of `n`.
static void port_bytes(const uint8_t *bytes, size_t size, size_t n)
{
	for (size_t done = 0; done < size; done += n) {
		struct msg_data piece = { 0 };
		struct message m;

		if (n > size - done)
			n = size - done;
		if (n > MSG_DATA_INLINE_MAX)
			n = MSG_DATA_INLINE_MAX;
		piece.length = (uint32_t)n;
		if (message_encode_data(&m, &piece, bytes + done, n) != 0)
			abort();
		fake_send(port, &m);
		fake_loop_settle(&hostfs.loop);
	}
}

// A reply of the host, in pieces of `how` bytes, or bytes that are none.
static void host_says(uint8_t how, const uint8_t *data, size_t len)
{
	struct files_port_header header = { .length = (uint32_t)(FRAME + len), .session = how & 3 };
	uint8_t bytes[FRAME + 256] = { 0 };
	size_t size = FRAME + len;

	if ((how & 128) != 0 && len > 0)
		header.length = data[0] * (how & 64 ? 1u : 4096u);
	// In a slot, most often one of those that are given first.
	if ((how & 32) != 0 && len > 2) {
		header.flags = FILES_PORT_PLACED;
		header.slot = data[1] < 128 ? (uint8_t)(16 - data[1] % 4) : data[1];
		header.offset = data[2] / 255u;
		size = sizeof(header);
	}
	memcpy(bytes, &header, sizeof(header));
	if (len > 0)
		memcpy(bytes + FRAME, data, len);
	port_bytes(bytes, size, 1 + (how >> 2) * 3u);
}

// Its hello, perhaps after what was another's.
static void host_greets(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t hello[HELLO_LENGTH];

	memcpy(hello, hostfs.incoming.hello, sizeof(hello));
	if (len > 0 && (how & 1) != 0)
		port_bytes(data, len, 7);
	port_bytes(hello, sizeof(hello), 1 + how % 40);
}

static void name_session(handle_t session, uint8_t how)
{
	struct msg_files_session key = { .key = how };

	fake_say(session, MSG_FILES_SESSION, (const uint8_t *)&key, sizeof(key),
	         fake_cargo(false, false), 0);
}

static void ask_read(handle_t session, uint8_t how)
{
	struct {
		struct msg_files_fuse fuse;
		struct fuse_in_header in;
		struct fuse_read_in read;
	} ask = { 0 };

	ask.fuse.length = sizeof(ask.in) + sizeof(ask.read);
	ask.in.len = ask.fuse.length;
	ask.in.opcode = FUSE_READ;
	ask.in.unique = how;
	ask.read.size = (how & 15) * 8192u;
	fake_say(session, MSG_FILES_FUSE, (const uint8_t *)&ask, sizeof(ask),
	         fake_cargo((how & 32) != 0, true), FILES_LOAN_BYTES);
}

static void ask_write(handle_t session, uint8_t how)
{
	struct {
		struct fuse_in_header in;
		struct fuse_write_in write;
	} ask = { 0 };
	struct msg_files_fuse fuse = { .offset = FILES_WRITE_OFFSET };
	struct message m;
	void *base;

	ask.in.len = (uint32_t)sizeof(ask) + (how & 15) * 16384u;
	ask.in.opcode = FUSE_WRITE;
	ask.in.unique = how;
	ask.write.flags = (how & 64) != 0 ? 0x400 : 0;
	fuse.length = ask.in.len;
	if (session == HANDLE_NONE || message_encode_files_fuse(&m, &fuse, NULL, 0) != 0 ||
	    folio_create(FILES_LOAN_BYTES, FOLIO_CONTIGUOUS, &m.handles[0]) != 0)
		return;
	m.num_handles = 1;
	if (folio_map(m.handles[0], PROT_READ | PROT_WRITE, &base) != 0) {
		message_discard(&m);
		return;
	}
	memcpy((uint8_t *)base + FILES_WRITE_OFFSET, &ask, sizeof(ask));
	fake_send(session, &m);
}

enum {
	OPEN,
	ASK,
	ANSWER,
	HOST,
	GREET,
	NAME,
	TAKE,
	CLOSE,
	MEMORY,
	DISK,
	READ,
	WRITE,
	NUM_STEPS,
};

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = how % 4 == 3 ? &client : &sessions[how % 4];

	switch (what) {
	case OPEN:
		if (client == HANDLE_NONE)
			client = fake_client_connect(service);
		if (client != HANDLE_NONE)
			(void)open_send(client, how,
			                (how & 3) == 3           ? "files:x"
			                        : (how & 3) == 2 ? FILES_HOST_PREFIX "x"
			                                         : FILES_HOST);
		break;
	case ASK: ask(sessions[how % SESSIONS], (uint8_t)(how ^ len), data, len); break;
	case ANSWER: open_answers(hostfs.console, &console, (how & 1) != 0, &port); break;
	case DISK: disk_does(how); break;
	case READ: ask_read(sessions[how % SESSIONS], (uint8_t)(how ^ len)); break;
	case WRITE: ask_write(sessions[how % SESSIONS], (uint8_t)(how ^ len)); break;
	case HOST: host_says(how, data, len); break;
	case GREET: host_greets(how, data, len); break;
	case NAME: name_session(sessions[how % SESSIONS], how); break;
	case TAKE: fake_take_all(how % 8 == 7 ? port : *end, sessions, SESSIONS); break;
	case CLOSE: fake_close(how % 8 == 7 ? &port : how % 8 == 6 ? &console : end); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&hostfs.loop);
}

static void end(void)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < SESSIONS; i++)
		fake_close(&sessions[i]);
	fake_close(&client);
	turn();
	fake_close(&port);
	turn();
	if (hostfs.num_sessions != 0 && !hostfs.opening)
		abort();
	fake_close(&disk);
	fake_close(&disks);
	turn();
	for (size_t i = 0; i < FILES_WINDOW_SLOTS; i++) {
		if (hostfs.slots[i].state != SLOT_FREE && !hostfs.opening)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (setjmp(fake_exit) != 0)
		return 0;
	begin();
	fake_steps(data, size, NUM_STEPS, step, turn);
	end();
	return 0;
}
