// SPDX-License-Identifier: MIT
//
// Heads and bodies of responses (RFC 9112). Nothing here calls the handler: whoever calls these
// settles the connection afterwards. Private to libs/http.
#pragma once

#include "libs/http/connection_state.h"

// As http_respond_fields (handler.h).
__must_check error_t http_response_fields(struct http_exchange *exchange, unsigned status,
                                          struct span fields, bool has_length, uint64_t length);
// As http_respond_start (handler.h).
__must_check error_t http_response_start(struct http_exchange *exchange, unsigned status,
                                         const char *content_type, uint64_t length);
// The head of a stream's answer (stream.h). Errors: ERR_NO_MEMORY, ERR_TOO_LARGE, ERR_LIMIT.
__must_check error_t http_response_stream(struct http_exchange *exchange, unsigned status,
                                          struct span fields);
// Sends one chunk of a body (RFC 9112 7.1). Errors: as http_send_bytes's.
__must_check error_t http_response_chunk(struct http_exchange *exchange, const void *bytes,
                                         size_t len);
// The same of bytes in a folio, which is consumed. Errors: as http_send_range's.
__must_check error_t http_response_chunk_range(struct http_exchange *exchange, handle_t folio,
                                               uint32_t offset, uint32_t len);
// Head and body in one piece, which makes one segment of a small response. Errors: ERR_TOO_LARGE,
// ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t http_response_whole(struct http_exchange *exchange, unsigned status,
                                         const char *content_type, const void *body, size_t len);
