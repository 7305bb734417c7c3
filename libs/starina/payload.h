// SPDX-License-Identifier: MIT
//
// Payloads: the bytes that a MSG_DATA (or another message with a folio range) carries, inline or in
// a folio.
#pragma once

#include "libs/abi/message.h"
#include "libs/base/span.h"

// A received payload, seen between payload_open and payload_release. Zero-initialised: empty.
struct payload {
	struct span bytes;
	// HANDLE_NONE: the bytes are in the message, which must outlive the payload
	handle_t folio;
};

// Takes the payload out of a received MSG_DATA: the folio (if any) is the payload's from now on,
// and the handle in `m` becomes HANDLE_NONE. Errors: ERR_PROTOCOL (range outside the folio,
// lengths); the handles of `m` are closed then.
__must_check error_t payload_open(struct message *m, struct payload *out);
// The same for a given range and folio handle (consumed on success and on error).
__must_check error_t payload_open_folio(handle_t folio, uint32_t offset, uint32_t length,
                                        struct payload *out);
// The same, and the bytes may be written.
__must_check error_t payload_open_writable(handle_t folio, uint32_t offset, uint32_t length,
                                           struct payload *out);
// Closes the folio.
void payload_release(struct payload *p);

// A folio of its own with a copy of `bytes`. Errors: ERR_NO_MEMORY, ERR_LIMIT, ERR_INVALID (none,
// or over FOLIO_MAX_CONTIGUOUS).
__must_check error_t payload_copy(const void *bytes, size_t len, handle_t *out);
// Makes a MSG_DATA of `bytes`: inline when they fit, else in a fresh folio. Errors: ERR_NO_MEMORY,
// ERR_LIMIT, ERR_TOO_LARGE (over FOLIO_MAX_CONTIGUOUS).
__must_check error_t payload_make(struct message *m, const void *bytes, size_t len);
// Closes all handles of a received message that nobody wanted, and forgets them.
void message_discard(struct message *m);
