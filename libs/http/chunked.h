// SPDX-License-Identifier: MIT
//
// The chunked transfer coding (RFC 9112 7.1), decoded as it comes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/base/span.h"

// What stands between the data - sizes, extensions, trailers - may not be longer than this, in one
// piece.
#define HTTP_MAX_CHUNK_LINE 4096

enum http_chunk_state {
	HTTP_CHUNK_SIZE = 0,   // the digits of a size
	HTTP_CHUNK_EXTENSION,  // the rest of its line
	HTTP_CHUNK_SIZE_LF,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_CR,
	HTTP_CHUNK_DATA_LF,
	HTTP_CHUNK_TRAILER,  // at the start of a line after the last chunk
	HTTP_CHUNK_TRAILER_LINE,
	HTTP_CHUNK_TRAILER_LF,
	HTTP_CHUNK_LAST_LF,
	HTTP_CHUNK_END,
};

struct http_chunked {
	enum http_chunk_state state;
	bool has_digit;
	uint64_t left;  // of the chunk
	uint32_t line;  // bytes since the last data
};

// Takes bytes off the front of `*in` up to and with the next piece of data, which `*data` becomes
// (of length 0: `*in` is used up, or the body has ended: state is HTTP_CHUNK_END). A zeroed decoder
// is at the start. Errors: ERR_PROTOCOL.
__must_check error_t http_chunked_take(struct http_chunked *d, struct span *in, struct span *data);
