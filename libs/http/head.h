// SPDX-License-Identifier: MIT
//
// The head of an HTTP/1.1 message (RFC 9112): request line and fields. Bounded, strict, and without
// copies: all spans point into the parsed bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/base/span.h"

#define HTTP_MAX_HEAD 8192
#define HTTP_MAX_FIELDS 64

struct http_field {
	struct span name;
	struct span value;  // without white space around it
};

enum http_framing {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
};

struct http_request_head {
	struct span method;
	struct span target;
	unsigned minor_version;  // HTTP/1.x
	struct http_field fields[HTTP_MAX_FIELDS];
	size_t num_fields;
	bool keep_alive;
	bool expects_continue;
	struct span host;     // empty: there is no Host field, or it is empty
	struct span upgrade;  // the protocols that the client would go on with; empty: none
	enum http_framing framing;
	uint64_t content_length;
};

// Of a server's answer. A body that has neither a length nor chunks ends with the connection.
struct http_response_head {
	unsigned status;
	struct http_field fields[HTTP_MAX_FIELDS];
	size_t num_fields;
	bool has_length;
	bool chunked;
	uint64_t content_length;
};

// Where the head that begins at bytes.data ends: the number of its bytes with the empty line, or 0
// when it is not complete. `scanned` bytes were looked at by an earlier call.
size_t http_head_length(struct span bytes, size_t scanned);
// Parses a complete head. Errors: ERR_PROTOCOL (malformed, or framing that could be read in two
// ways: RFC 9112 6.3), ERR_TOO_LARGE (too many fields), ERR_NOT_SUPPORTED (another HTTP version or
// transfer coding).
__must_check error_t http_request_parse(struct span bytes, struct http_request_head *out);
// The same for a response. Errors: as http_request_parse's.
__must_check error_t http_response_parse(struct span bytes, struct http_response_head *out);
// The first field `name` (compared without case), or NULL.
const struct http_field *http_field_find(const struct http_request_head *head, const char *name);
// Whether `value`, a list with commas, has the token (without case).
bool http_list_has(struct span value, const char *token);
