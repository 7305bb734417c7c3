// SPDX-License-Identifier: MIT
//
// The engine between clients of every route that send and read as they like, services that answer
// anything and die, a host, and tcpip. Who does not know the secret reaches no service, a service
// is asked only what fits, and at the end everybody leaves, and nothing may be left.
#include <stdlib.h>

#include "apps/engine/main.c"
#include "apps/engine/router.c"
#include "libs/base/fmt.h"
#include "libs/http/tcpip_fake.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_CLIENTS 2u
#define MAX_ASKED 16u

static handle_t tcpip, host_service, host, services[NUM_BACKENDS];
static handle_t providers[NUM_BACKENDS], clients[NUM_CLIENTS];
// Somebody has said the secret; memory ran out, of which the app may end.
static bool secret_known, may_exit;

// Requests that the services have, the last ones, and the channels that came with them.
static struct asked {
	struct msg_containers_request request;
	enum backend_number backend;
	handle_t channel;
} asked[MAX_ASKED];
static size_t num_asked;

static const uint8_t secret[ENGINE_SECRET_SIZE] = "one that nobody knows by chance";

// --- The services --------------------------------------------------------------------------------

// A service is asked by clients only, and what it is asked fits.
static void request_check(const struct msg_containers_request *request, const struct message *m,
                          enum backend_number backend)
{
	bool of_images = request->operation >= IMAGES_FIRST && request->operation <= IMAGES_LAST;
	size_t len = (size_t)request->query_length + request->body_length;
	struct folio_info info;

	if (!secret_known || of_images != (backend == BACKEND_IMAGES) ||
	    request->query_length > CONTAINERS_QUERY_MAX ||
	    request->body_length > CONTAINERS_BODY_MAX)
		abort();
	if (len > 0 &&
	    (m->num_handles == 0 || folio_info(m->handles[0], &info) != 0 || info.size < len))
		abort();
}

static void service_asked(const struct message *m, enum backend_number backend)
{
	struct asked *slot = &asked[num_asked % MAX_ASKED];
	struct msg_containers_request request;
	const uint8_t *tail;
	size_t tail_len, num_channels;

	if (message_decode_containers_request(m, &request, &tail, &tail_len) != 0 ||
	    tail_len > CONTAINERS_TARGET_MAX)
		abort();
	request_check(&request, m, backend);
	fake_close(&slot->channel);
	slot->request = request;
	slot->backend = backend;
	num_channels = m->num_handles - (request.query_length + request.body_length > 0 ? 1 : 0);
	if (num_channels > 1)
		abort();
	for (size_t i = 0; i < m->num_handles; i++) {
		if (i + num_channels == m->num_handles)
			slot->channel = m->handles[i];
		else
			(void)!handle_close(m->handles[i]);
	}
	num_asked++;
}

static void services_take(void)
{
	struct message m;

	for (size_t i = 0; i < NUM_BACKENDS; i++) {
		if (providers[i] == HANDLE_NONE)
			providers[i] = fake_provider_accept(services[i]);
		while (providers[i] != HANDLE_NONE && channel_recv(providers[i], &m) == 0) {
			if (m.type == MSG_CONTAINERS_REQUEST)
				service_asked(&m, (enum backend_number)i);
			else if (m.type != MSG_CONTAINERS_CANCEL || m.num_handles != 0)
				abort();
		}
	}
}

// One of the last that were asked, which may be over; NULL: there is none.
static struct asked *asked_of(uint8_t how)
{
	size_t count = num_asked < MAX_ASKED ? num_asked : MAX_ASKED;

	return count > 0 ? &asked[(num_asked - 1 - how % count) % MAX_ASKED] : NULL;
}

static void service_answers(uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t statuses[] = {
		CONTAINERS_ACCEPTED, 200, 204, 404, 500, 101, 0, 70000
	};
	struct asked *slot = asked_of(how % 4);
	struct msg_containers_reply reply = { .flags = how & 3u };
	struct message m;
	handle_t folio = HANDLE_NONE;

	if (slot == NULL)
		return;
	reply.id = slot->request.id;
	reply.status = statuses[how / 4 % 8];
	if (len > 0)
		reply.flags = data[0];
	reply.length = (uint32_t)len;
	if (how >= 128 && len > 1) {
		reply.length = data[1] * 40u;
		if (folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) != 0)
			return;
		len = 0;
	}
	if (len > MESSAGE_MAX_DATA - sizeof(reply))
		len = MESSAGE_MAX_DATA - sizeof(reply);
	if (message_encode_containers_reply(&m, &reply, data, len) != 0)
		abort();
	if (folio != HANDLE_NONE) {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	fake_send(providers[slot->backend], &m);
	return;
}

// What comes over the channel of a request: the answer's body, or a container's output.
static void stream_says(uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = { MSG_END, MSG_DATA, MSG_ABORT, MSG_OPEN };
	static uint8_t long_line[30000];  // more than any may have
	struct asked *slot = asked_of(how % 4);

	if (slot == NULL)
		return;
	memset(long_line, 'A', sizeof(long_line));
	switch (how / 4 % 8) {
	case 0: fake_close(&slot->channel); break;
	case 1: fake_take_all(slot->channel, NULL, 0); break;
	case 2:
		fake_say(slot->channel, types[how / 32 % 4], data, len,
		         fake_cargo((how & 128) != 0, true), PAGE_SIZE);
		break;
	case 3:
		fake_say(slot->channel, MSG_END, (const uint8_t[4]){ 0 }, 4, FAKE_NOTHING, 0);
		break;
	case 4: tcpip_fake_say_folio(slot->channel, data, len, how); break;
	// The line that an answer about files begins with, and one that is too long.
	case 5: tcpip_fake_say(slot->channel, "e30=\nan archive", 15); break;
	case 6: tcpip_fake_say(slot->channel, long_line, sizeof(long_line)); break;
	default: tcpip_fake_say(slot->channel, data, len); break;
	}
}

static void service_says(uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *provider = &providers[how % NUM_BACKENDS];

	if (how / 2 % 8 == 0)
		fake_close(provider);
	else
		fake_say(*provider, MSG_CONTAINERS_REQUEST + how / 2 % 4, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), PAGE_SIZE);
}

// --- Clients -------------------------------------------------------------------------------------

static void client_connects(handle_t *client, uint8_t how)
{
	uint8_t said[ENGINE_SECRET_SIZE];

	if (*client != HANDLE_NONE)
		return;
	tcpip_fake_connect(client);
	memcpy(said, secret, sizeof(said));
	if (how >= 240)
		said[how % ENGINE_SECRET_SIZE] ^= 1;
	else
		secret_known = secret_known || *client != HANDLE_NONE;
	tcpip_fake_say(*client, said, sizeof(said));
}

// A path of the pattern, with names that the input has a hand in.
static size_t write_path(char *out, size_t size, const char *pattern, uint8_t how)
{
	static const char *const names[] = { "a",   "web%2F1", "library/alpine",
		                             "%00", "%zz",     "\xc3\xa4" };
	size_t len = 0;

	for (const char *p = pattern; *p != '\0' && len + 20 < size; p++) {
		if (*p != '{') {
			out[len++] = *p;
			continue;
		}
		len += fmt_write(out + len, size - len, "%s", names[how % 6]);
		p = strchr(p, '}');
	}
	return len;
}

// A request of one of the routes: which; what is odd about it; the query's length, the query, and
// the body.
static void client_asks(handle_t client, const uint8_t *data, size_t len)
{
	const struct http_route *route;
	char path[512], head[1024], query[64] = "";
	size_t path_len, head_len, query_len;
	uint8_t how;

	if (len < 3)
		return;
	route = &routes[data[0] % (sizeof(routes) / sizeof(routes[0]))];
	how = data[1];
	path_len = write_path(path, sizeof(path), route->pattern, how / 4);
	query_len = data[2] % sizeof(query);
	data += 3;
	len -= 3;
	if (query_len > len)
		query_len = len;
	memcpy(query, data, query_len);
	data += query_len;
	len -= query_len;
	head_len = fmt_write(head, sizeof(head), "%s %s%.*s%s%s HTTP/1.1\r\n%s%s%u\r\n\r\n",
	                     how == 255 ? "HEAD" : route->method, how % 4 == 3 ? "/v1.41" : "",
	                     (int)path_len, path, query_len > 0 ? "?" : "", query,
	                     how % 4 == 1 ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "",
	                     how % 4 == 2 ? "Transfer-Encoding: chunked\r\nX-Registry-Auth: "
	                                  : "Content-Length: ",
	                     (unsigned)len);
	tcpip_fake_say(client, head, head_len);
	if (how % 4 == 2 && len > 0) {
		head_len = fmt_write(head, sizeof(head), "%x\r\n", (unsigned)len);
		tcpip_fake_say(client, head, head_len);
		tcpip_fake_say(client, data, len);
		tcpip_fake_say(client, "\r\n0\r\n\r\n", 7);
	} else if (len > 0) {
		tcpip_fake_say(client, data, len);
	}
}

static void client_says(handle_t client, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = { MSG_END, MSG_ABORT, MSG_OPEN, MSG_DATA };

	// The input may know the secret, too.
	secret_known = secret_known || len >= ENGINE_SECRET_SIZE;
	switch (how / 4 % 4) {
	case 0: tcpip_fake_say(client, data, len); break;
	case 1: tcpip_fake_say_folio(client, data, len, how); break;
	default:
		fake_say(client, types[how / 16 % 4], data, len, fake_cargo((how & 64) != 0, false),
		         0);
		break;
	}
}

// --- The host ------------------------------------------------------------------------------------

static void host_acts(uint8_t how, const uint8_t *data, size_t len)
{
	if (host == HANDLE_NONE)
		host = fake_provider_accept(host_service);
	if (how % 8 == 0)
		fake_close(&host);
	else if (how % 8 == 1)
		fake_take_all(host, NULL, 0);
	else
		fake_say(host, MSG_HOST_PUBLISH + how / 8 % 6, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), PAGE_SIZE);
}

// --- An input ------------------------------------------------------------------------------------

enum {
	CONNECT,
	ASK,
	SAY,
	DRAIN,
	CLOSE,
	ANSWER,
	STREAM,
	SERVICE,
	HOST,
	TIME,
	MEMORY,
	RESTART,
	NUM_STEPS
};

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *client = &clients[how % NUM_CLIENTS];

	switch (what) {
	case CONNECT: client_connects(client, how); break;
	case ASK: client_asks(*client, data, len); break;
	case SAY: client_says(*client, how, data, len); break;
	case DRAIN: tcpip_fake_drain(*client); break;
	case CLOSE: fake_close(client); break;
	case ANSWER: service_answers(how, data, len); break;
	case STREAM: stream_says(how, data, len); break;
	case SERVICE: service_says(how, data, len); break;
	case HOST: host_acts(how, data, len); break;
	case TIME: fake_time_pass((nsec_t)how % 16 * NSEC_PER_SEC); break;
	case MEMORY:
		may_exit = may_exit || how > 0;
		fake_memory_fail(how);
		break;
	default:
		if (how % 8 == 0)
			tcpip_fake_restart((how & 8) != 0);
		break;
	}
}

static void turn(void)
{
	fake_loop_settle(&engine_state.loop);
	tcpip_fake_serve(tcpip);
	services_take();
	fake_loop_settle(&engine_state.loop);
}

static void secret_bring(void)
{
	void *bytes;

	if (folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &engine_state.secret_file.folio) != 0 ||
	    folio_map(engine_state.secret_file.folio, PROT_WRITE, &bytes) != 0)
		abort();
	memcpy(bytes, secret, sizeof(secret));
	engine_state.secret_file.size = sizeof(secret);
}

// Returns what the app has allocated that nobody has asked anything.
static size_t begin(void)
{
	size_t allocated;

	static struct environ env = { .num_entries = 2,
		                      .entries = { { .kind = ENV_CONNECTOR, .name = "containers" },
		                                   { .kind = ENV_CONNECTOR, .name = "images" } } };

	fake_reset();
	memset(&engine_state, 0, sizeof(engine_state));
	secret_known = may_exit = false;
	num_asked = 0;
	if (loop_init(&engine_state.loop) != 0)
		abort();
	for (size_t i = 0; i < NUM_BACKENDS; i++)
		env.entries[i].handle = services[i] = fake_connector_create();
	engine_state.tcpip = tcpip = fake_connector_create();
	engine_state.host = host_service = fake_connector_create();
	if (calls_start(&engine_state, &env) != 0)
		abort();
	secret_bring();
	secret_was_read(NULL, 0);
	turn();
	allocated = fake_num_allocated();
	client_connects(&clients[0], 0);
	turn();
	return allocated;
}

// Everybody leaves.
static void leave(void)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < NUM_CLIENTS; i++)
		fake_close(&clients[i]);
	for (size_t i = 0; i < MAX_ASKED; i++)
		fake_close(&asked[i].channel);
	for (size_t i = 0; i < NUM_BACKENDS; i++)
		fake_close(&providers[i]);
	fake_close(&host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t allocated;

	if (setjmp(fake_exit) != 0) {
		if (!may_exit)
			abort();
		leave();
		tcpip_fake_restart(true);
		return 0;
	}
	allocated = begin();
	fake_steps(data, size, NUM_STEPS, step, turn);
	leave();
	for (size_t i = 0; i < 8; i++) {
		fake_time_pass(HTTP_TICK_SECONDS * NSEC_PER_SEC);
		turn();
	}
	if (engine_state.server.service.num_connections != 0 || fake_num_allocated() != allocated)
		abort();
	leave();
	tcpip_fake_restart(true);
	return 0;
}
