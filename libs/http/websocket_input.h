// SPDX-License-Identifier: MIT
//
// What the client of a WebSocket says: frames (RFC 6455 5) become messages. Frames are unmasked,
// fragments joined, control frames taken out from between them; each rule is checked (5.1 to 5.5,
// 8.1), and a message has a size that it may not pass. Bytes may come in any pieces.
#pragma once

#include "libs/base/span.h"

#define WEBSOCKET_CONTROL_MAX 125u

// Status codes of a close (RFC 6455 7.4.1).
#define WEBSOCKET_NORMAL 1000u
#define WEBSOCKET_GOING_AWAY 1001u
#define WEBSOCKET_PROTOCOL_ERROR 1002u
#define WEBSOCKET_NOT_UTF8 1007u
#define WEBSOCKET_REFUSED 1008u
#define WEBSOCKET_TOO_LARGE 1009u
#define WEBSOCKET_FAILED 1011u

enum websocket_event {
	WEBSOCKET_MORE,  // all bytes were taken: nothing is whole
	WEBSOCKET_TEXT,
	WEBSOCKET_BINARY,
	WEBSOCKET_PING,
	WEBSOCKET_PONG,
	WEBSOCKET_CLOSE,   // `code` is what is to be answered
	WEBSOCKET_BROKEN,  // the client broke a rule: to be closed with `code`
};

// Zero-initialised but for `max`.
struct websocket_input {
	size_t max;  // bytes of a message
	// Private.
	uint8_t header[14];
	size_t header_len;
	bool in_payload;
	bool is_final;
	uint8_t opcode;   // of the frame
	uint8_t message;  // of the message whose fragments come; 0: none
	uint8_t mask[4];
	uint64_t left;   // of the frame's payload
	size_t at_mask;  // bytes of the payload that were unmasked
	uint8_t *text;   // heap: the message so far
	size_t len, room;
	uint8_t control[WEBSOCKET_CONTROL_MAX];
	size_t control_len;
};

// Takes bytes off `rest` until something is whole; `*bytes` is its payload then, which lasts until
// the next call. `*code` is set for WEBSOCKET_CLOSE and WEBSOCKET_BROKEN, after which nothing more
// is to be taken.
enum websocket_event websocket_input_take(struct websocket_input *in, struct span *rest,
                                          struct span *bytes, unsigned *code);
// Frees the message in hand.
void websocket_input_deinit(struct websocket_input *in);
