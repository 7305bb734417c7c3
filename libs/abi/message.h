// SPDX-License-Identifier: MIT
//
// Messages: what travels on a channel. One flat struct, so that a call points to flat memory only.
//
// Up to MESSAGE_MAX_DATA bytes travel inline and are copied. More travels as a folio: the first
// handle of the message is the folio and the inline data says which range of it is meant (struct
// msg_data and friends).
//
// Message types are few and predefined. Each has one row in a table X(NAME, name, number, max
// handles, tail): the row gives the number, MSG_NAME; the layout is `struct msg_name`, its fixed
// part; `tail` says what may follow it: NONE, BYTES or UTF8 (text, not terminated). MESSAGE_DECODER
// makes of each row a decoder that checks all lengths. Each service's header has a table of its own
// in a number range of its own; tools/lint/check_messages.py fails the build on an overlap.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/handle.h"

#define MESSAGE_MAX_DATA 256
#define MESSAGE_MAX_HANDLES 4
// Messages that a channel queues per direction.
#define CHANNEL_MAX_QUEUED 128

struct message {
	uint32_t type;
	uint16_t len;          // bytes of data in use
	uint16_t num_handles;  // handles in use
	handle_t handles[MESSAGE_MAX_HANDLES];
	uint8_t data[MESSAGE_MAX_DATA] __attribute__((aligned(8)));
};

// A message of `type` with nothing in it yet; only the header is written.
static inline void message_init(struct message *m, uint32_t type)
{
	m->type = type;
	m->len = 0;
	m->num_handles = 0;
}

// --- Core types: 1 to 15 -------------------------------------------------------------------------

// To a provider: open the object that the URI in the tail names ("tcp-listen:0.0.0.0:80"). Answered
// by open_reply with the same id and one handle (a channel), or by error.
struct msg_open {
	uint32_t id;
	// tail: URI, UTF-8, not terminated
};

struct msg_open_reply {
	uint32_t id;
};

// From a provider to a listener: somebody connected; one handle, the connection's channel.
struct msg_connect {
	uint32_t id;
	// tail: URI of the peer ("tcp:10.0.2.2:41234")
};

// A piece of a byte stream. No handle: the bytes are the tail. One handle: it is a folio, and the
// bytes are the range [offset, offset + length) of it; the receiver owns the folio.
struct msg_data {
	uint32_t offset;
	uint32_t length;
	// tail: the bytes, when there is no handle
};
#define MSG_DATA_INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_data))

// End of the byte stream in this direction (a half close). No more data follows; the other
// direction goes on.
struct msg_end {
	uint32_t reserved;
};

// The sender gives up on what `id` names.
struct msg_abort {
	uint32_t id;
	int32_t reason;  // ERR_*
};

// Answer to a request that failed, or to a message that was not understood (id 0).
struct msg_error {
	uint32_t id;
	int32_t error;  // ERR_*

	// tail: text, UTF-8
};

#define CORE_MESSAGES(X)                      \
	X(OPEN, open, 1, 0, UTF8)             \
	X(OPEN_REPLY, open_reply, 2, 1, NONE) \
	X(CONNECT, connect, 3, 1, UTF8)       \
	X(DATA, data, 4, 1, BYTES)            \
	X(END, end, 5, 0, NONE)               \
	X(ABORT, abort, 6, 0, NONE)           \
	X(ERROR, error, 7, 0, UTF8)

// Ranges: core 1-15, echo 16-31, network device 32-47, block device 48-63, console 64-79, TCP/IP
// 80-95, apps 96-111, files 112-127.

// --- The machinery of the tables -----------------------------------------------------------------

#define MESSAGE_NUMBER(NAME, name, number, handles, tail) MSG_##NAME = (number),

// What a row says of the tail.
enum message_tail {
	MESSAGE_TAIL_NONE,
	MESSAGE_TAIL_BYTES,
	MESSAGE_TAIL_UTF8,  // nobody has checked that it is: it comes from a peer
};

// int message_decode_NAME(m, &fixed, &tail, &tail_len): checks type, lengths and the handle count
// of a received message and copies the fixed part out. `*tail` points into `m`. Errors:
// ERR_PROTOCOL. The handles stay in `m`.
#define MESSAGE_DECODER(NAME, name, number, max_handles, tail_kind)                                \
	static inline __must_check error_t message_decode_##name(                                  \
		const struct message *m, struct msg_##name *fixed, const uint8_t **tail,           \
		size_t *tail_len)                                                                  \
	{                                                                                          \
		_Static_assert(sizeof(struct msg_##name) <= MESSAGE_MAX_DATA, #name);              \
		if (m->type != (number) || m->len < sizeof(*fixed) || m->len > MESSAGE_MAX_DATA || \
		    m->num_handles > (max_handles) ||                                              \
		    (MESSAGE_TAIL_##tail_kind == MESSAGE_TAIL_NONE && m->len != sizeof(*fixed)))   \
			return ERR_PROTOCOL;                                                       \
		__builtin_memcpy(fixed, m->data, sizeof(*fixed));                                  \
		*tail = m->data + sizeof(*fixed);                                                  \
		*tail_len = m->len - sizeof(*fixed);                                               \
		return 0;                                                                          \
	}

// error_t message_encode_NAME(m, &fixed, tail, tail_len): the counterpart. Handles are the caller's
// to add. Errors: ERR_TOO_LARGE when the tail does not fit, or there is to be none.
#define MESSAGE_ENCODER(NAME, name, number, max_handles, tail_kind)                  \
	static inline __must_check error_t message_encode_##name(                    \
		struct message *m, const struct msg_##name *fixed, const void *tail, \
		size_t tail_len)                                                     \
	{                                                                            \
		if (tail_len > (MESSAGE_TAIL_##tail_kind == MESSAGE_TAIL_NONE        \
		                        ? 0                                          \
		                        : MESSAGE_MAX_DATA - sizeof(*fixed)))        \
			return ERR_TOO_LARGE;                                        \
		message_init(m, (number));                                           \
		m->len = (uint16_t)(sizeof(*fixed) + tail_len);                      \
		__builtin_memcpy(m->data, fixed, sizeof(*fixed));                    \
		if (tail_len > 0)                                                    \
			__builtin_memcpy(m->data + sizeof(*fixed), tail, tail_len);  \
		return 0;                                                            \
	}

enum { CORE_MESSAGES(MESSAGE_NUMBER) };
CORE_MESSAGES(MESSAGE_DECODER)
CORE_MESSAGES(MESSAGE_ENCODER)
