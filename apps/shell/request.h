// SPDX-License-Identifier: MIT
//
// A request to the system's API (docs/api.md), as its client: one connection each.
#pragma once

#include "libs/abi/web.h"
#include "libs/http/chunked.h"
#include "libs/http/head.h"
#include "libs/starina/opener.h"

#define REQUEST_ERROR_MAX 512u

struct request;

struct request_ops {
	// The next bytes of an answer that is no error.
	void (*body)(struct request *request, struct span bytes);
	// It is over: `error` says what went wrong, or is "". The request may be started again.
	void (*done)(struct request *request, const char *error);
};

// Storage is the caller's, zero-initialised but for what is set.
struct request {
	// Set by the caller.
	struct loop *loop;
	handle_t tcpip;     // connector; not consumed
	const char *token;  // in base64url
	const struct request_ops *ops;
	// Private.
	bool is_busy;
	struct opener opener;
	struct source connection;
	bool is_open;
	bool has_head;
	struct http_response_head response;
	uint64_t left;  // of a body with a length
	struct http_chunked chunks;
	uint8_t head[HTTP_MAX_HEAD];
	size_t head_len;
	uint8_t error[REQUEST_ERROR_MAX];  // the body of one
	size_t error_len;
	char *text;        // heap: the head of what is sent
	uint8_t *content;  // heap: and its body
	size_t content_len;
	size_t sent;  // of both
};

// Sends it: `path` is below /api/v1, encoded. `content` is the body, `len` bytes of the heap that
// are the request's from now on, or NULL: any bytes of a PUT, else JSON. `done` may come from
// within.
void request_start(struct request *request, const char *method, const char *path, uint8_t *content,
                   size_t len);
// Gives up: nothing comes any more. One that is over is left alone.
void request_stop(struct request *request);
// Adds a name or value to a path as it has to stand there (RFC 3986 2.1). Returns false when there
// is no room.
bool path_add(char *path, size_t size, const char *text);
