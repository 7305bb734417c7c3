// SPDX-License-Identifier: MIT
//
// Whole conversations: clients, a server and servers behind its proxy, each of which says what it
// likes, in pieces cut anywhere, and reads, ends, resets and closes when it likes; the server makes
// streams of some requests, and does as it likes with them. The server, the
// proxy, the loop and the services are the real ones; the kernel is system_fake.c's. At the end
// nothing may be left. An input is a list of steps, a byte of what and a byte of how, some with
// bytes that follow.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libs/abi/tcpip.h"
#include "libs/http/proxy.h"
#include "libs/http/server.h"
#include "libs/http/stream.h"
#include "libs/http/tcpip_fake.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 4u
#define UPSTREAMS 4u
#define PENDING 8u
#define STREAMS 4u

#define GATE "0123456789abcdefghijklmnopqrstuv"

// What a step may say at once, so that the fuzzer need not find HTTP by itself.
static const char *const client_says[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /p HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /p HTTP/1.0\r\n\r\n",
	"HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
	"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	"POST /n HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
	"GET /s HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /f HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /f HTTP/1.0\r\n\r\n",
	"GET /n HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"POST /u HTTP/1.1\r\nHost: a\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}",
	"POST /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nhello",
	"GET /r HTTP/1.1\r\nHost: a\r\n\r\nhello",
	"PUT /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
	"PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	"DELETE /c HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
	GATE,
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	"hello",
};
static const char *const server_says[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.0 200 OK\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 204 No\r\n\r\n",
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	"hello",
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct loop loop;
static struct http_server server;
static handle_t connector;
static handle_t clients[CLIENTS], upstreams[UPSTREAMS];
// Exchanges that the handler answers later, and proxies without a connection.
static struct http_exchange *pending[PENDING];
static struct http_proxy *proxies[PENDING];
// Streams, and what their peers have been told.
static struct stream {
	struct http_exchange *exchange;
	bool paused, ended;
} streams[STREAMS];

// --- The app ---

static const uint8_t block[3000];

// `user` counts the blocks that are left.
static void go_on(struct http_exchange *exchange)
{
	while (exchange->user != NULL && http_can_send(exchange)) {
		exchange->user = (void *)((uintptr_t)exchange->user - 1);
		if (http_send(exchange, block, sizeof(block)) != 0) {
			http_abort(exchange);
			return;
		}
		if (exchange->user == NULL && exchange->open_end && http_send_end(exchange) != 0)
			return;
	}
}

static void keep(struct http_exchange *exchange)
{
	for (size_t i = 0; i < PENDING; i++) {
		if (pending[i] == NULL) {
			pending[i] = exchange;
			return;
		}
	}
	http_respond(exchange, 503, "text/plain", "no", 2);
}

static void keep_proxy(struct http_exchange *exchange, const struct http_request_head *head)
{
	struct http_proxy *proxy;

	for (size_t i = 0; i < PENDING; i++) {
		if (proxies[i] != NULL)
			continue;
		proxies[i] = http_proxy_create(&loop, exchange, head);
		return;
	}
	proxy = http_proxy_create(&loop, exchange, head);
	if (proxy != NULL)
		http_proxy_connected(proxy, HANDLE_NONE);
}

// --- Streams ---

static void stream_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	struct stream *stream = context;

	if (bytes.len == 0 || stream->paused || stream->ended || stream->exchange != exchange)
		abort();
	if (bytes.data[0] == '!') {
		http_abort(exchange);
	} else if (bytes.data[0] == '=') {
		stream->paused = true;
		http_pause_body(exchange, true);
	} else if (bytes.data[0] == '.') {
		http_stream_close(exchange);
	} else if (http_can_send(exchange)) {
		error_t ignored = http_send(exchange, bytes.data, bytes.len);

		(void)ignored;
	}
}

static void stream_body_end(void *context, struct http_exchange *exchange)
{
	struct stream *stream = context;

	if (stream->paused || stream->ended || stream->exchange != exchange)
		abort();
	stream->ended = true;
}

static void stream_gone(void *context, struct http_exchange *exchange)
{
	struct stream *stream = context;

	if (stream->exchange != exchange)
		abort();
	*stream = (struct stream){ 0 };
}

static const struct http_handler stream_handler = { .body = stream_body,
	                                            .body_end = stream_body_end,
	                                            .gone = stream_gone };

static void make_stream(struct http_exchange *exchange, unsigned status)
{
	static const char fields[] = "Upgrade: tcp\r\n";
	error_t err = ERR_FULL;

	for (size_t i = 0; i < STREAMS && err == ERR_FULL; i++) {
		if (streams[i].exchange != NULL)
			continue;
		streams[i] = (struct stream){ .exchange = exchange };
		err = http_stream_start(
			exchange, status,
			(struct span){ .data = (const uint8_t *)fields, .len = sizeof(fields) - 1 },
			&stream_handler, &streams[i]);
		if (err == ERR_BAD_STATE || err == ERR_NOT_SUPPORTED)
			streams[i].exchange = NULL;
	}
	if (err == ERR_FULL || err == ERR_BAD_STATE || err == ERR_NOT_SUPPORTED)
		http_respond(exchange, 400, "text/plain", "no", 2);
}

static void use_stream(struct stream *stream, uint8_t how)
{
	struct http_exchange *exchange = stream->exchange;
	error_t ignored = 0;

	if (exchange == NULL)
		return;
	switch (how % 6) {
	case 0: ignored = http_send(exchange, block, how * 10); break;
	case 1: ignored = http_send_end(exchange); break;
	case 2:
		stream->paused = !stream->paused;
		http_pause_body(exchange, stream->paused);
		break;
	case 3: http_stream_close(exchange); break;
	case 4: http_abort(exchange); break;
	default:
		while (stream->exchange == exchange && http_can_send(exchange) && ignored == 0)
			ignored = http_send(exchange, block, sizeof(block));
		break;
	}
	(void)ignored;
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	static const char fields[] = "X: y\r\n";
	char what = head->target.len > 1 ? (char)head->target.data[1] : ' ';

	(void)context;
	if (what == 'p') {
		keep_proxy(exchange, head);
	} else if (what == 'n') {
		keep(exchange);
	} else if (what == 'u' || what == 'c') {
		exchange->user = NULL;
		http_collect_body(exchange, what == 'u' ? 100 : 4);
	} else if (what == 'r') {
		make_stream(exchange, 200);
	} else if (what == 's') {
		exchange->user = (void *)200;
		if (http_respond_start(exchange, 200, "text/plain", 200 * sizeof(block)) == 0)
			go_on(exchange);
		else
			http_abort(exchange);
	} else if (what == 'f') {
		exchange->user = (void *)50;
		if (http_respond_fields(exchange, 200,
		                        (struct span){ .data = (const uint8_t *)fields, .len = 6 },
		                        false, 0) == 0)
			go_on(exchange);
		else
			http_abort(exchange);
	} else {
		http_respond(exchange, 200, "text/plain", block,
		             head->target.len * 100 % sizeof(block));
	}
}

static void on_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	(void)context;
	if (bytes.len == 0)
		abort();
	if (bytes.data[0] == '!')
		http_abort(exchange);
	else if (bytes.data[0] == '=')
		http_pause_body(exchange, true);
}

// Of a request that waits for its body.
static void on_body_end(void *context, struct http_exchange *exchange)
{
	struct span body = http_body(exchange);

	(void)context;
	if (body.len == 2)
		make_stream(exchange, 101);
	else if (body.len > 0)
		http_respond(exchange, 200, "text/plain", body.data, body.len);
}

static void on_peer_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	if (exchange->user == NULL)
		http_respond(exchange, 200, "text/plain", "bye", 3);
}

static void on_writable(void *context, struct http_exchange *exchange)
{
	(void)context;
	go_on(exchange);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	for (size_t i = 0; i < PENDING; i++) {
		if (pending[i] == exchange)
			pending[i] = NULL;
	}
}

static const struct http_handler handler = { .request = on_request,
	                                     .body = on_body,
	                                     .body_end = on_body_end,
	                                     .peer_end = on_peer_end,
	                                     .writable = on_writable,
	                                     .gone = on_gone };

// --- The others ---

static void connect_proxy(size_t i, handle_t *upstream)
{
	struct http_proxy *proxy = proxies[i];
	handle_t ends[2];

	if (proxy == NULL)
		return;
	proxies[i] = NULL;
	if (*upstream != HANDLE_NONE || channel_create(ends) != 0) {
		http_proxy_connected(proxy, HANDLE_NONE);
		return;
	}
	*upstream = ends[1];
	http_proxy_connected(proxy, ends[0]);
}

static void answer_pending(struct http_exchange *exchange, uint8_t how)
{
	if (exchange == NULL)
		return;
	for (size_t i = 0; i < PENDING; i++) {
		if (pending[i] == exchange)
			pending[i] = NULL;
	}
	http_pause_body(exchange, false);
	// It may be gone by now: it is the handler's as long as it has not been told.
	if (how % 4 == 0)
		http_abort(exchange);
	else
		http_respond(exchange, how % 2 != 0 ? 200 : 404, "text/plain", block, how);
}

// Connections that there are were made with the gate as it was.
static void set_gate(bool shut)
{
	if (server.service.num_connections == 0)
		http_server_configure(
			&server,
			&(struct http_server_options){ .gate = shut ? (const uint8_t *)GATE : NULL,
		                                       .host_optional = shut });
}

enum step {
	CONNECT,
	SAY,
	SAY_FOLIO,
	SNIPPET,
	TYPE,
	CLOSE,
	DRAIN,
	PROXY,
	ANSWER,
	TIME,
	MEMORY,
	RESTART,
	STREAM,
	SHUT_GATE,
	NUM_STEPS
};

// Returns how many bytes of `data` it has used.
static size_t step(enum step what, uint8_t how, const uint8_t *data, size_t size)
{
	static const uint32_t types[] = { MSG_END, MSG_ABORT, MSG_OPEN, MSG_DATA, 99 };
	bool is_client = (how & 4) == 0;
	handle_t *end = is_client ? &clients[how % CLIENTS] : &upstreams[how % UPSTREAMS];
	size_t len = size > 0 ? data[0] : 0;

	switch (what) {
	case CONNECT: tcpip_fake_connect(&clients[how % CLIENTS]); return 0;
	case SAY:
	case SAY_FOLIO:
		len = len + 1 > size ? (size > 0 ? size - 1 : 0) : len;
		if (what == SAY)
			tcpip_fake_say(*end, data + 1, len);
		else
			tcpip_fake_say_folio(*end, data + 1, len, how);
		return size > 0 ? len + 1 : 0;
	case SNIPPET: {
		const char *text = is_client ? client_says[len % COUNT(client_says)]
					     : server_says[len % COUNT(server_says)];
		size_t cut = how >= 128 ? how % strlen(text) : strlen(text);

		tcpip_fake_say(*end, text, cut);
		tcpip_fake_say(*end, text + cut, strlen(text) - cut);
		return size > 0 ? 1 : 0;
	}
	case TYPE:
		fake_say(*end, types[(how >> 3) % COUNT(types)], (const uint8_t[8]){ 0 },
		         (how & 128) != 0 ? 0 : 8, FAKE_NOTHING, 0);
		return 0;
	case CLOSE: fake_close(end); return 0;
	case DRAIN: tcpip_fake_drain(*end); return 0;
	case PROXY: connect_proxy(how % PENDING, &upstreams[(how >> 3) % UPSTREAMS]); return 0;
	case ANSWER: answer_pending(pending[how % PENDING], how >> 3); return 0;
	case TIME: fake_time_pass((nsec_t)how % 16 * NSEC_PER_SEC); return 0;
	case MEMORY: fake_memory_fail(how); return 0;
	case STREAM: use_stream(&streams[how % STREAMS], how >> 2); return 0;
	case SHUT_GATE: set_gate((how & 1) != 0); return 0;
	default: tcpip_fake_restart((how & 1) != 0); return 0;
	}
}

static void start(void)
{
	if (loop_init(&loop) != 0)
		abort();
	connector = fake_connector_create();
	if (http_server_start(&loop, &server, connector, "tcp-listen:0.0.0.0:80", &handler, NULL) !=
	    0)
		abort();
}

static void finish(size_t handles, size_t allocated)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < CLIENTS; i++) {
		fake_close(&clients[i]);
		fake_close(&upstreams[i]);
	}
	fake_loop_settle(&loop);
	for (size_t i = 0; i < PENDING; i++) {
		struct http_proxy *proxy = proxies[i];

		proxies[i] = NULL;
		if (proxy != NULL)
			http_proxy_connected(proxy, HANDLE_NONE);
		answer_pending(pending[i], 1);
	}
	// One that waits for its handler to take the rest waits as long as that likes.
	for (size_t i = 0; i < STREAMS; i++) {
		if (streams[i].exchange != NULL)
			http_stream_close(streams[i].exchange);
	}
	for (int i = 0; i < 8; i++) {
		fake_time_pass(HTTP_TICK_SECONDS * NSEC_PER_SEC);
		fake_loop_settle(&loop);
		tcpip_fake_serve(connector);
	}
	set_gate(false);
	if (server.listener.handle == HANDLE_NONE || server.service.num_connections != 0 ||
	    fake_num_allocated() != allocated || fake_num_handles() > handles)
		abort();  // something is left
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles, allocated;

	if (handles == 0) {
		start();
		tcpip_fake_serve(connector);
		fake_loop_settle(&loop);
		handles = fake_num_handles();
		allocated = fake_num_allocated();
	}
	while (size >= 2) {
		size_t used =
			2 + step((enum step)(data[0] % NUM_STEPS), data[1], data + 2, size - 2);

		data += used;
		size -= used;
		fake_loop_settle(&loop);
		tcpip_fake_serve(connector);
		fake_loop_settle(&loop);
	}
	finish(handles, allocated);
	return 0;
}
