// SPDX-License-Identifier: MIT
//
// The Docker Engine API over HTTP, for docker's clients on the host. It keeps nothing: what it is
// asked for is others', and a connection knows no other. main.c has the start, secret.c the secret
// that connections begin with, router.c what serves which path, reply.c what all answers have,
// system.c the engine's own paths.
#pragma once

#include "libs/abi/engine.h"
#include "libs/http/handler.h"
#include "libs/http/server.h"
#include "libs/starina/opener.h"

// Of the API: what is advertised, and the oldest that is served.
#define API_VERSION_MINOR 50u
#define API_VERSION_MINOR_MIN 41u
#define API_VERSION "1.50"
#define API_VERSION_MIN "1.41"
#define ENGINE_VERSION "0.1"

struct secret {
	uint8_t bytes[ENGINE_SECRET_SIZE];
	// It was read (`error` 0), or why not. ERR_NOT_FOUND: there is none.
	void (*read)(void *context, error_t error);
	void *context;
	// Private.
	struct loop *loop;
	handle_t connector;
	struct opener opener;
	struct source disk;
};

struct engine {
	struct loop loop;
	struct http_server server;
	struct secret secret;
	handle_t tcpip;
	handle_t host;                 // connectors
	struct service_client client;  // of "host"
	struct source host_source;
	bool listens;
};

// A request, in the call that serves it.
struct request {
	struct http_exchange *exchange;
	const struct http_request_head *head;
	struct span path;   // without the version in front of it
	struct span query;  // behind the "?"
};

// --- secret.c ---

// Reads the secret from the boot disk of "blkdev" behind `connector`, which is closed then: what
// clients say finds no way to the disks.
void secret_read(struct secret *secret, struct loop *loop, handle_t connector,
                 void (*read)(void *context, error_t error), void *context);

// --- router.c ---

extern const struct http_handler engine_handler;

// --- reply.c ---

// A whole answer with the fields that all have. `fields`: lines more of them, or "". `type` NULL:
// there is no body.
void reply(const struct request *request, unsigned status, const char *fields, const char *type,
           const char *body, size_t len);
void reply_json(const struct request *request, unsigned status, const char *json);
// {"message":"..."}: what was wrong, in plain ASCII without quotes and backslashes.
void reply_error(const struct request *request, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// --- system.c ---

// GET and HEAD /_ping.
void ping_serve(const struct request *request);
// GET /version.
void version_serve(const struct request *request);
