// SPDX-License-Identifier: MIT
#include "apps/push/input.h"

#include "libs/base/decimal.h"
#include "libs/base/string.h"

void push_input_sync(struct push_input *input, const char nonce[PUSH_NONCE_SIZE])
{
	memset(input, 0, sizeof(*input));
	memcpy(input->nonce, nonce, PUSH_NONCE_SIZE);
}

static enum push_event take_line(struct push_input *input)
{
	struct span line = span_make(input->line, input->line_len);
	uint64_t id, size;

	if (!input->synced) {
		input->synced = span_take_prefix(&line, "sync ") && span_is(line, input->nonce);
		return PUSH_MORE;
	}
	input->request.replaces = span_take_prefix(&line, "replace ");
	if ((!input->request.replaces && !span_take_prefix(&line, "start ")) ||
	    !decimal_take(&line, UINT32_MAX, &id) || !span_take_prefix(&line, " ") ||
	    !decimal_read(line, UINT32_MAX, &size))
		return PUSH_BROKEN;
	input->request.id = (uint32_t)id;
	input->request.size = size;
	input->left = size;
	return PUSH_REQUEST;
}

static enum push_event take_byte(struct push_input *input, uint8_t byte)
{
	enum push_event event = PUSH_MORE;

	if (byte != '\n') {
		if (input->line_len < PUSH_LINE_MAX)
			input->line[input->line_len++] = (char)byte;
		else
			input->overlong = true;
		return PUSH_MORE;
	}
	if (!input->overlong)
		event = take_line(input);
	else if (input->synced)
		event = PUSH_BROKEN;
	input->line_len = 0;
	input->overlong = false;
	return event;
}

enum push_event push_input_take(struct push_input *input, struct span *rest)
{
	struct reader r = reader_make(rest->data, rest->len);
	enum push_event event = PUSH_MORE;

	if (input->left > 0 && rest->len > 0) {
		size_t len = rest->len < input->left ? rest->len : (size_t)input->left;

		input->bytes = reader_bytes(&r, len);
		input->left -= len;
		event = PUSH_BYTES;
	}
	while (event == PUSH_MORE && r.rest.len > 0)
		event = take_byte(input, reader_u8(&r));
	*rest = r.rest;
	return event;
}
