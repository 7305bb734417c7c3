// SPDX-License-Identifier: MIT
//
// The Docker Engine API over HTTP, for docker's clients on the host. It keeps nothing: each request
// is a call of the service "containers" or "images", whose answer it passes on. Parts:
//   main.c     the start
//   router.c   which request is what
//   reply.c    what all answers have
//   system.c   the engine's own paths; refusals.c those that are not there, and why
//   calls.c    calls of the two services, and their answers
//   archive.c  what answers about a container's files begin with
//   streams.c  connections that become a container's streams, and bodies that travel as streams
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/containers.h"
#include "libs/abi/engine.h"
#include "libs/abi/images.h"
#include "libs/base/list.h"
#include "libs/boot_files/boot_files.h"
#include "libs/http/server.h"
#include "libs/http/stream.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

// Of the API: what is advertised, and the oldest that is served.
#define API_VERSION_MINOR 50u
#define API_VERSION_MINOR_MIN 24u
#define API_VERSION "1.50"
#define API_VERSION_MIN "1.24"
#define ENGINE_VERSION "0.1"

enum backend_number { BACKEND_CONTAINERS, BACKEND_IMAGES, NUM_BACKENDS };

// A service that answers calls.
struct backend {
	struct engine *engine;
	const char *of;  // what it is the service of, for people
	struct service_client client;
	struct source source;
	bool connected;
	struct list calls;  // struct call, without an answer
};

struct engine {
	struct loop loop;
	struct http_server server;
	struct boot_files boot;
	struct boot_wanted secret_file;
	// What connections begin with.
	uint8_t secret[ENGINE_SECRET_SIZE];
	handle_t tcpip;
	handle_t host;                 // connectors
	struct service_client client;  // of "host"
	struct source host_source;
	bool listens;

	struct backend backends[NUM_BACKENDS];
	uint32_t num_calls;
};

// A request, from its head to its answer; exchange->user.
struct call {
	struct engine *engine;
	struct backend *backend;
	struct list entry;
	struct http_exchange *exchange;
	uint32_t operation;
	uint32_t id;     // 0: not sent
	unsigned minor;  // of the API's version
	bool upgrades;
	bool is_answered;  // without a service
	bool has_begun;    // the head of its answer was sent
	bool transfers;    // its bodies, of request and answer, travel over the stream
	char target[CONTAINERS_TARGET_MAX + 1];
	char *query;  // heap, as it was sent
	// archive.c: the answer's first line; NULL: it is not awaited (any more).
	char *line;  // heap
	size_t line_len;
	// A container's streams, or a transfer's bodies.
	handle_t far;  // the end that goes to it; HANDLE_NONE when it went
	struct source stream;
	bool is_stream;
	bool stream_open;
	bool output_ended;  // MSG_END came
	bool peer_ended;    // MSG_END is to be sent
	bool has_unsent;
	struct message unsent;  // owns its handle
};

// --- archive.c ---

// The call, a transfer that was sent, is about the files of a container. Its answer begins when
// its first line has come.
void archive_begin(struct call *call);
// A message of the stream while that line is awaited; consumed.
void archive_take(struct call *call, struct message *m);

// --- router.c ---

extern const struct http_handler engine_handler;

// --- reply.c ---

// A whole answer with the fields that all have. `fields`: lines more of them, or "". `type` NULL:
// there is no body.
void reply(struct http_exchange *exchange, unsigned status, const char *fields, const char *type,
           struct span body);
void reply_json(struct http_exchange *exchange, unsigned status, struct span json);
// The head of an answer of a type, whose body comes by http_send and ends with http_send_end.
void reply_begin(struct http_exchange *exchange, unsigned status, const char *type);
// The same with lines of more fields; with `is_empty` there is no body, and this is all.
void reply_begin_fields(struct http_exchange *exchange, const char *fields, const char *type,
                        bool is_empty);
// {"message":"..."}: what was wrong.
void reply_error(struct http_exchange *exchange, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// --- system.c ---

// GET and HEAD /_ping.
void ping_serve(struct http_exchange *exchange);
// GET /version.
void version_serve(struct http_exchange *exchange);

// --- refusals.c ---

// A request that no route has: 501 with the reason where the API has it, else 404.
void refusal_serve(struct http_exchange *exchange, const struct http_request_head *head);

// --- calls.c ---

// Connects to the services, now and whenever they are back. Errors: as service_client_start's.
__must_check error_t calls_start(struct engine *engine, const struct environ *env);
// Sends the call with the body that was collected, or with what a transfer has beside its body.
void call_send(struct call *call, struct span body);
// The exchange is over.
void call_free(struct call *call);

// --- streams.c ---

// Makes the channel of a call to attach, or of a transfer. Errors: as channel_create's and
// loop_add's.
__must_check error_t stream_open(struct call *call);
// The type of what a container writes, as a body or a stream.
const char *stream_type(const struct call *call, bool has_terminal);
// The container has the other end: the connection becomes a stream.
void stream_begin(struct call *call, bool has_terminal);
// The answer of a transfer has begun: its body is what comes over the stream.
void transfer_begin(struct call *call);
// A piece of a transfer's body, and its end.
void transfer_take(struct call *call, struct span bytes);
void transfer_take_end(struct call *call);
// The client takes more of its answer.
void transfer_go_on(struct call *call);
// Frees what stream_open has made.
void stream_free(struct call *call);
