// SPDX-License-Identifier: MIT
#include "libs/http/websocket_input.h"

#include "libs/base/string.h"
#include "libs/base/utf8.h"
#include "libs/starina/alloc.h"

#define FINAL 0x80u
#define RESERVED 0x70u
#define MASKED 0x80u
#define LENGTH 0x7fu
#define LENGTH_16 126u
#define LENGTH_64 127u
#define FIRST_ROOM 256u

enum opcode {
	CONTINUATION = 0,
	TEXT = 1,
	BINARY = 2,
	CLOSE = 8,
	PING = 9,
	PONG = 10,
};

static bool is_control(uint8_t opcode)
{
	return (opcode & 8) != 0;
}

static void skip(struct span *s, size_t len)
{
	s->data += len;
	s->len -= len;
}

// --- Headers -------------------------------------------------------------------------------------

// How many bytes the header has, as far as those that came tell.
static size_t header_size(const struct websocket_input *in)
{
	uint8_t length;

	if (in->header_len < 2)
		return 2;
	length = in->header[1] & LENGTH;
	return 6 + (length == LENGTH_16 ? 2u : length == LENGTH_64 ? 8u : 0u);
}

// Whether the first two bytes are of a frame that may come now.
static bool frame_fits(const struct websocket_input *in)
{
	uint8_t opcode = in->header[0] & 15, length = in->header[1] & LENGTH;
	bool is_final = (in->header[0] & FINAL) != 0;

	if ((in->header[0] & RESERVED) != 0 || (in->header[1] & MASKED) == 0)
		return false;
	switch (opcode) {
	case CONTINUATION: return in->message != 0;
	case TEXT:
	case BINARY: return in->message == 0;
	case CLOSE:
	case PING:
	case PONG: return is_final && length <= WEBSOCKET_CONTROL_MAX;
	default: return false;
	}
}

// The header is whole. Returns 0, or the code to close with.
static unsigned frame_begin(struct websocket_input *in)
{
	struct reader r = reader_make(in->header + 1, in->header_len - 1);
	uint64_t length = reader_u8(&r) & LENGTH;
	uint64_t least = 0;

	if (length == LENGTH_16) {
		length = reader_be16(&r);
		least = LENGTH_16;
	} else if (length == LENGTH_64) {
		length = reader_be64(&r);
		least = UINT16_MAX + 1u;
	}
	// In as few bytes as it can be said in (5.2).
	if (length < least || length >> 63 != 0)
		return WEBSOCKET_PROTOCOL_ERROR;
	reader_copy(&r, in->mask, sizeof(in->mask));
	in->opcode = in->header[0] & 15;
	in->is_final = (in->header[0] & FINAL) != 0;
	in->left = length;
	in->at_mask = 0;
	in->control_len = 0;
	in->in_payload = true;
	in->header_len = 0;
	if (is_control(in->opcode))
		return 0;
	if (in->opcode != CONTINUATION) {
		in->message = in->opcode;
		in->len = 0;
	}
	return length > in->max - in->len ? WEBSOCKET_TOO_LARGE : 0;
}

// Takes bytes of a header. Returns 0, or the code to close with.
static unsigned header_take(struct websocket_input *in, struct span *rest)
{
	while (!in->in_payload && rest->len > 0) {
		in->header[in->header_len++] = rest->data[0];
		skip(rest, 1);
		if (in->header_len == 2 && !frame_fits(in))
			return WEBSOCKET_PROTOCOL_ERROR;
		if (in->header_len >= 2 && in->header_len == header_size(in))
			return frame_begin(in);
	}
	return 0;
}

// --- Payloads ------------------------------------------------------------------------------------

static bool make_room(struct websocket_input *in, size_t more)
{
	size_t room = in->room > 0 ? in->room : FIRST_ROOM;
	uint8_t *text;

	if (in->len + more <= in->room)
		return true;
	while (room < in->len + more)
		room *= 2;
	text = heap_alloc(room);
	if (text == NULL)
		return false;
	if (in->len > 0)
		memcpy(text, in->text, in->len);
	heap_free(in->text);
	in->text = text;
	in->room = room;
	return true;
}

// Takes what there is of the frame's payload. Returns 0, or the code to close with.
static unsigned payload_take(struct websocket_input *in, struct span *rest)
{
	size_t len = rest->len < in->left ? rest->len : (size_t)in->left;
	uint8_t *out;

	if (!is_control(in->opcode) && !make_room(in, len))
		return WEBSOCKET_FAILED;
	out = is_control(in->opcode) ? in->control + in->control_len : in->text + in->len;
	for (size_t i = 0; i < len; i++)
		out[i] = rest->data[i] ^ in->mask[in->at_mask++ % 4];
	if (is_control(in->opcode))
		in->control_len += len;
	else
		in->len += len;
	in->left -= len;
	skip(rest, len);
	return 0;
}

// Codes that an endpoint may send (7.4.1, 7.4.2).
static bool code_is_sendable(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
		(code >= 3000 && code <= 4999);
}

static enum websocket_event close_take(const struct websocket_input *in, unsigned *code)
{
	struct reader r = reader_make(in->control, in->control_len);

	*code = WEBSOCKET_NORMAL;
	if (in->control_len == 0)
		return WEBSOCKET_CLOSE;
	*code = reader_be16(&r);
	if (reader_status(&r) == 0 && code_is_sendable(*code) && utf8_is_valid(r.rest))
		return WEBSOCKET_CLOSE;
	*code = reader_status(&r) == 0 && code_is_sendable(*code) ? WEBSOCKET_NOT_UTF8
								  : WEBSOCKET_PROTOCOL_ERROR;
	return WEBSOCKET_BROKEN;
}

// The frame is whole.
static enum websocket_event frame_end(struct websocket_input *in, struct span *bytes,
                                      unsigned *code)
{
	uint8_t message = in->message;

	in->in_payload = false;
	if (is_control(in->opcode)) {
		*bytes = (struct span){ .data = in->control, .len = in->control_len };
		if (in->opcode == CLOSE)
			return close_take(in, code);
		return in->opcode == PING ? WEBSOCKET_PING : WEBSOCKET_PONG;
	}
	if (!in->is_final)
		return WEBSOCKET_MORE;
	in->message = 0;
	*bytes = (struct span){ .data = in->text, .len = in->len };
	in->len = 0;
	if (message == BINARY)
		return WEBSOCKET_BINARY;
	if (utf8_is_valid(*bytes))
		return WEBSOCKET_TEXT;
	*code = WEBSOCKET_NOT_UTF8;
	return WEBSOCKET_BROKEN;
}

enum websocket_event websocket_input_take(struct websocket_input *in, struct span *rest,
                                          struct span *bytes, unsigned *code)
{
	enum websocket_event event = WEBSOCKET_MORE;

	*bytes = (struct span){ 0 };
	while (event == WEBSOCKET_MORE && rest->len > 0) {
		*code = in->in_payload ? payload_take(in, rest) : header_take(in, rest);
		if (*code != 0)
			return WEBSOCKET_BROKEN;
		if (in->in_payload && in->left == 0)
			event = frame_end(in, bytes, code);
	}
	return event;
}

void websocket_input_deinit(struct websocket_input *in)
{
	heap_free(in->text);
	*in = (struct websocket_input){ .max = in->max };
}
