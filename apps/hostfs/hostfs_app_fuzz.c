// SPDX-License-Identifier: MIT
//
// The app between clients that say anything and a host that does, on its port. An input is a list
// of steps: what, how, a length, and so many bytes. At the end everybody leaves, and nothing may be
// left.
#include <stdlib.h>

#include "apps/hostfs/main.c"
#include "libs/abi/fuse.h"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 3u

static handle_t service, client, sessions[SESSIONS], console, port;

static void begin(void)
{
	fake_reset();
	memset(&hostfs, 0, sizeof(hostfs));
	memset(sessions, 0, sizeof(sessions));
	console = port = HANDLE_NONE;
	service = fake_service_create();
	hostfs.console = fake_connector_create();
	list_init(&hostfs.sessions);
	if (loop_init(&hostfs.loop) != 0 || sessions_init(&hostfs, service) != 0)
		abort();
	client = fake_client_connect(service);
	fake_loop_settle(&hostfs.loop);
}

// The console's driver answers an open request, or refuses it.
static void console_answers(uint8_t how)
{
	handle_t ends[2], none;
	struct message m;

	if (console == HANDLE_NONE)
		console = fake_provider_accept(hostfs.console);
	if (console == HANDLE_NONE || !fake_take(console, &m, &none))
		return;
	if (none != HANDLE_NONE)
		handle_close(none);
	if ((how & 1) != 0 || port != HANDLE_NONE || channel_create(ends) != 0) {
		error_send(console, 1, ERR_NOT_FOUND, "none");
		return;
	}
	if (open_reply_send(console, 1, ends[1]) != 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return;
	}
	port = ends[0];
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
	struct files_port_header header = { .length = (uint32_t)(8 + 16 + len),
		                            .session = how & 3 };
	uint8_t bytes[8 + 16 + 256] = { 0 };
	size_t size = 8 + 16 + len;

	if ((how & 128) != 0 && len > 0)
		header.length = data[0] * (how & 64 ? 1u : 4096u);
	memcpy(bytes, &header, sizeof(header));
	if (len > 0)
		memcpy(bytes + 24, data, len);
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

enum { OPEN, ASK, ANSWER, HOST, GREET, NAME, TAKE, CLOSE, MEMORY, NUM_STEPS };

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
	case ANSWER: console_answers(how); break;
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
