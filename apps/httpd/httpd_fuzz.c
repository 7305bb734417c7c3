// SPDX-License-Identifier: MIT
//
// httpd and clients that ask for anything it has, send bodies, read when they like, and go. At the
// end nothing is left. An input is a list of steps: what, how, a length, and so many bytes.
#include <stdlib.h>

#include "libs/files/internal.h"
#include "libs/files/provider_fake.h"
#include "libs/http/tcpip_fake.h"
#include "libs/look/look_fake.h"
#include "libs/starina/clients_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/httpd/main.c"
#undef loop_run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 4u
// The engine, where httpd has connected to it: of its clients it is the last one.
#define ENGINE (CLIENTS - 1)
#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define UPGRADE                                                                      \
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                            \
	"Sec-WebSocket-Protocol: starina.v1, token." TOKEN "\r\n\r\n"

static const char *const snippets[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /status.json HTTP/1.0\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /bytes/100 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /bytes/70000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /bytes/70000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /bytes/9999999 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /bytes/",
	" HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /checksum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
	"POST /checksum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	"GET /files/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /files/f%20 HTTP/1.1\r\nHost: a\r\nRange: bytes=7-\r\nIf-None-Match: \"1\"\r\n\r\n",
	"GET /files/sub/big HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /files/sub HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /files/",
	"GET /api/v1/status HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
	"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wrong\r\n\r\n",
	"GET /api/v1/status HTTP/1.1\r\nHost: [::1]:9\r\nOrigin: http://a\r\n\r\n",
	"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n" UPGRADE,
	// {"what":["status"]}, and what closes it.
	"\x81\x93\x20\x20\x20\x20\x5b\x02\x57\x48\x41\x54\x02\x1a\x7b\x02\x53\x54\x41"
	"\x54\x55\x53\x02\x7d\x5d",
	"\x88\x80\x20\x20\x20\x20",
	"GET /api/v1/processes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
	"\r\n\r\n",
	"GET /api/v1/channels HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
	"\r\n\r\n",
	"GET /api/v1/services HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
	"\r\n\r\n",
	"GET /api/v1/vms HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN "\r\n\r\n",
	"GET /api/v1/processes/1/handles HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
	"\r\n\r\n",
	"POST /api/v1/apps/echo/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n{}",
	"POST /api/v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n{\"argv\":[\"a\"]}",
	"PUT /api/v1/apps/a%ff HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n{}",
	"POST /api/v1/processes/1/kill HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
	"\r\n\r\n",
	"GET /api/v1/",
	" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN "\r\n\r\n",
	"POST /api/v1/",
	"GET /index.html HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n",
	"PUT /checksum HTTP/1.1\r\nHost: a\r\n\r\n",
	"hello",
	"GET /api/v1/files?path=/sub HTTP/1.1\r\nHost: localhost\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n",
	"GET /api/v1/files/content?path=/sub/big HTTP/1.1\r\nHost: localhost\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n",
	"PUT /api/v1/files/content?path=/sub/n HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\nabc",
	"PUT /api/v1/files/content?path=/f%20 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\nabc",
	"DELETE /api/v1/files/content?path=/sub/n HTTP/1.1\r\nHost: localhost\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n",
	"POST /api/v1/files/rename HTTP/1.1\r\nHost: localhost\r\nContent-Length: 31\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n{\"from\":\"/sub/n\",\"to\":\"/sub/m\"}",
	"GET /api/v1/containers/a/attach?logs=1 HTTP/1.1\r\nHost: localhost\r\n" UPGRADE,
	"GET /api/v1/exec/a/start?tty=1 HTTP/1.1\r\nHost: localhost\r\n" UPGRADE,
	"GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
	"\r\n\r\n",
	"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: "
	"application/vnd.docker.raw-stream\r\n\r\nhello",
	"HTTP/1.1 404 x\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}",
	// {"eof":true}, and five bytes.
	"\x81\x8c\x20\x20\x20\x20\x5b\x02\x45\x4f\x46\x02\x1a\x54\x52\x55\x45\x5d",
	"\x82\x85\x20\x20\x20\x20hello",
	"POST /api/v1/files/mkdir HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n"
	"Authorization: Bearer " TOKEN "\r\n\r\n{\"path\":\"/sub/d\"}",
};

static handle_t connector, clients[CLIENTS];
// Of "files", and of "volumes".
static struct provider_fake providers[2];

error_t system_info(handle_t system, struct system_info *out)
{
	(void)system;
	*out = (struct system_info){ .uptime_ns = UINT64_MAX, .free_pages = UINT64_MAX };
	return 0;
}

error_t system_open_process(handle_t system, uint64_t id, handle_t *out)
{
	(void)system;
	if (id % 2 == 0)
		return ERR_NOT_FOUND;
	*out = fake_service_create();
	return 0;
}

error_t system_start_app(handle_t system, const char *name, size_t name_len, handle_t *out)
{
	(void)system;
	if (name_len == 0 || name[0] != 'e')
		return ERR_NOT_FOUND;
	*out = fake_service_create();
	return 0;
}

error_t process_kill(handle_t process)
{
	(void)process;
	return 0;
}

// What the system tells: names of any bytes, ids that are nobody's.
static void make_look(void)
{
	static const struct look_process processes[] = {
		{ .id = 1, .name = "a\xff<b>", .flags = LOOK_USER_MODE, .last_end = LOOK_END_EXIT },
		{ .id = 4, .state = 99, .name = "httpd", .last_end = 77 },
	};
	static const struct look_thread threads[] = { { .id = 1, .state = 9, .waits = 9 } };
	static const struct look_service services[] = { { .id = 1, .name = "x", .provider = 4 },
		                                        { .id = 2, .name = "\n" } };
	static const struct look_channel_end ends[] = {
		{ .channel = 9, .end = 1, .process = 3, .service = 7 },
		{ .channel = 2, .end = 0, .process = 1, .service = 1 },
		{ .channel = 9, .end = 0, .process = 1, .service = 1 },
		{ .channel = 9, .end = 5, .process = 4 },
	};
	static const struct look_vcpu vcpus[] = { { .vm = 1 },
		                                  { .vm = 1, .vcpu = 1 },
		                                  { .vm = 2 } };
	static const struct look_handle handles[] = { { .type = 99, .rights = UINT32_MAX } };

#define TELL(kind, records) \
	fake_look.kinds[kind].bytes = (records), fake_look.kinds[kind].size = sizeof(records)
	TELL(LOOK_PROCESSES, processes);
	TELL(LOOK_THREADS, threads);
	TELL(LOOK_SERVICES, services);
	TELL(LOOK_CHANNELS, ends);
	TELL(LOOK_VCPUS, vcpus);
	TELL(LOOK_HANDLES, handles);
}

enum { CONNECT, SNIPPET, SAY, FOLIO, TYPE, DRAIN, CLOSE, TIME, MEMORY, FILES, RESTART, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = { MSG_END, MSG_ABORT, MSG_OPEN, MSG_DATA };
	handle_t *client = &clients[how % CLIENTS];
	const char *text = snippets[(how >> 2) % (sizeof(snippets) / sizeof(snippets[0]))];

	switch (what) {
	case CONNECT:
		if (client != &clients[ENGINE])
			tcpip_fake_connect(client);
		break;
	case SNIPPET: tcpip_fake_say(*client, text, strlen(text)); break;
	case SAY: tcpip_fake_say(*client, data, len); break;
	case FOLIO: tcpip_fake_say_folio(*client, data, len, how); break;
	case TYPE:
		fake_say(*client, types[(how >> 2) % 4], data, len,
		         fake_cargo((how & 64) != 0, false), 0);
		break;
	case DRAIN: tcpip_fake_drain(*client); break;
	case CLOSE: fake_close(client); break;
	case TIME: fake_time_pass((nsec_t)how % 16 * NSEC_PER_SEC); break;
	case MEMORY: fake_memory_fail(how); break;
	case FILES:
		providers[how >> 7].fails = how % 4 == 0 ? how : 0;
		if (how % 16 == 1)
			provider_fake_die(&providers[how >> 7]);
		break;
	default:
		if (how % 8 == 0)
			tcpip_fake_restart((how & 8) != 0);
		break;
	}
}

static void turn(void)
{
	handle_t reached;

	fake_loop_settle(&state.loop);
	tcpip_fake_serve(connector);
	fake_loop_settle(&state.loop);
	reached = tcpip_fake_reached();
	if (reached != HANDLE_NONE) {
		fake_close(&clients[ENGINE]);
		clients[ENGINE] = reached;
	}
	while (provider_fake_serve(&providers[0]) || provider_fake_serve(&providers[1]))
		fake_loop_settle(&state.loop);
	if (state.files.error < 0)
		provider_fake_die(&providers[0]);
	if (state.places.all[0].files.error < 0)
		provider_fake_die(&providers[1]);
}

static void make_files(struct provider_fake *provider)
{
	static uint8_t bytes[300000];
	uint32_t sub;

	provider_fake_init(provider, fake_connector_create());
	provider->hostile = true;
	sub = provider_fake_make(provider, 1, "sub", MODE_FOLDER, "", 0);
	provider_fake_make(provider, 1, "f ", MODE_FILE, "hello, world", 12);
	provider_fake_make(provider, sub, "big", MODE_FILE, bytes, sizeof(bytes));
	provider_fake_make(provider, 1, "<&\"'>", MODE_LINK, "sub", 3);
}

static void begin(void)
{
	static struct environ env = {
		.num_entries = 12,
		.entries = { { .kind = ENV_CONNECTOR, .name = "tcpip" },
		             { .kind = ENV_SYSTEM },
		             { .kind = ENV_CONFIG,
		               .name = "listen",
		               .value = "tcp-listen:0.0.0.0:80" },
		             { .kind = ENV_CONNECTOR, .name = "files" },
		             { .kind = ENV_CONFIG, .name = "files", .value = "notes" },
		             { .kind = ENV_CONNECTOR, .name = "blkdev", .unmet = 1 },
		             { .kind = ENV_LOOK, .handle = FAKE_LOOK },
		             { .kind = ENV_CONNECTOR, .name = "apps", .unmet = 1 },
		             { .kind = ENV_CONNECTOR, .name = "commands", .unmet = 1 },
		             { .kind = ENV_CONNECTOR, .name = "volumes" },
		             { .kind = ENV_CONNECTOR, .name = "traffic", .unmet = 1 },
		             { .kind = ENV_CONFIG, .name = "shares", .unmet = 1 } }
	};

	env.entries[0].handle = connector = fake_connector_create();
	env.entries[1].handle = fake_service_create();
	make_files(&providers[0]);
	make_files(&providers[1]);
	make_look();
	env.entries[3].handle = providers[0].connector;
	env.entries[9].handle = providers[1].connector;
	httpd_main(&env);
	state.has_engine = true;
	state.token_state = TOKEN_KNOWN;
	str_copy(state.token, TOKEN, sizeof(state.token));
	turn();
	// What responses share is made by the first.
	tcpip_fake_connect(&clients[0]);
	step(SNIPPET, 4 << 2, NULL, 0);
	turn();
	tcpip_fake_drain(clients[0]);
	turn();
	step(SNIPPET, 13 << 2, NULL, 0);
	turn();
	step(SNIPPET, 39 << 2, NULL, 0);
	turn();
	fake_close(&clients[0]);
	turn();
}

static void finish(size_t handles, size_t allocated)
{
	fake_memory_fail(0);
	providers[0].fails = providers[1].fails = 0;
	for (size_t i = 0; i < CLIENTS; i++)
		fake_close(&clients[i]);
	for (int i = 0; i < 8; i++) {
		fake_time_pass(10 * NSEC_PER_SEC);
		turn();
		// It may be reached only now.
		fake_close(&clients[ENGINE]);
	}
	if (state.server.service.num_connections != 0 || fake_num_allocated() != allocated ||
	    fake_num_handles() > handles)
		abort();  // something is left
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles, allocated;

	if (handles == 0) {
		begin();
		handles = fake_num_handles();
		allocated = fake_num_allocated();
	}
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish(handles, allocated);
	return 0;
}
