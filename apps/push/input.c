// SPDX-License-Identifier: MIT
#include "apps/push/input.h"

#include "libs/base/decimal.h"
#include "libs/base/string.h"

void push_input_sync(struct push_input *input, const char nonce[PUSH_NONCE_SIZE])
{
	memset(input, 0, sizeof(*input));
	memcpy(input->nonce, nonce, PUSH_NONCE_SIZE);
}

// Whether `*line` begins with `word`, which is taken from it then.
static bool take_word(const char **line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*line, word, len) != 0)
		return false;
	*line += len;
	return true;
}

// A decimal number of at most `max`.
static bool take_number(const char **line, uint64_t max, uint64_t *out)
{
	struct span text = text_span(*line);

	if (!decimal_take(&text, max, out))
		return false;
	*line = (const char *)text.data;
	return true;
}

static enum push_event take_line(struct push_input *input)
{
	const char *line = input->line;
	uint64_t id, size;

	if (!input->synced) {
		input->synced = take_word(&line, "sync ") && strcmp(line, input->nonce) == 0;
		return PUSH_MORE;
	}
	input->request.replaces = take_word(&line, "replace ");
	if ((!input->request.replaces && !take_word(&line, "start ")) ||
	    !take_number(&line, UINT32_MAX, &id) || !take_word(&line, " ") ||
	    !take_number(&line, UINT32_MAX, &size) || *line != '\0')
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
		if (input->line_len < PUSH_LINE_MAX - 1)
			input->line[input->line_len++] = (char)byte;
		else
			input->overlong = true;
		return PUSH_MORE;
	}
	input->line[input->line_len] = '\0';
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
