// SPDX-License-Identifier: MIT
//
// Requests of Docker's API, without HTTP (libs/abi/containers.h), for those who answer them:
// `containers` and `images`.
#pragma once

#include <stdbool.h>

#include "libs/abi/containers.h"
#include "libs/base/list.h"
#include "libs/base/span.h"
#include "libs/json/json.h"
#include "libs/requests/outbox.h"
#include "libs/starina/service.h"

struct containers;
struct images;
struct request_server;

// A connection to the service.
struct client {
	struct request_server *server;
	struct outbox outbox;
	struct list entry;
	struct source source;
};

// A request in hand.
struct request {
	// The server's context.
	union {
		void *context;
		struct containers *all;
		struct images *images;
	};
	struct client *client;
	uint32_t id;
	uint32_t minor;  // of the API's version that the client speaks
	char target[CONTAINERS_TARGET_MAX + 1];
	struct span query;
	struct span body;
	handle_t channel;  // of attach, or a transfer; HANDLE_NONE when it was taken
};

// Storage is the caller's, who sets the first members.
struct request_server {
	// Answers a request, now or later.
	void (*handle)(struct request *request, uint32_t operation);
	// Nobody waits for the answer to request `id` (0: to any) of a client any more, which may
	// have gone.
	void (*cancel)(void *context, const struct client *client, uint32_t id);
	// Another message, which is the callback's. NULL: there are none.
	void (*other)(void *context, struct client *client, struct message *m);
	void *context;
	// Private.
	struct loop *loop;
	struct service_listener listener;
	struct list clients;
};

// Accepts clients of `service` (not consumed). Errors: as service_listen's.
__must_check error_t request_server_start(struct request_server *server, struct loop *loop,
                                          handle_t service);

// --- Replies; `client` may be NULL ---

// Answers with a document, which is freed.
void reply_json(struct client *client, uint32_t id, uint32_t status, struct json_writer *w);
// Answers without a body.
void reply_empty(struct client *client, uint32_t id, uint32_t status, uint32_t flags);
// Answers with {"message": ...}.
void reply_error(struct client *client, uint32_t id, uint32_t status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
// The same of a request that is in hand.
void request_refuse(const struct request *request, uint32_t status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// --- The query ---

// The value of a parameter of the query, decoded, in fresh heap memory; NULL: there is none.
char *query_take(const struct request *request, const char *name);
// A parameter that is on ("1", "true"), or a number.
bool query_flag(const struct request *request, const char *name);
bool query_number(const struct request *request, const char *name, int64_t *out);
// A parameter that is a time, in seconds since 1970 with a fraction; `*present`: there is one.
// False, and the request was answered, when it is none.
bool query_time(struct request *request, const char *name, bool *present, nsec_t *out);
