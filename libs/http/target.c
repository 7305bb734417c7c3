// SPDX-License-Identifier: MIT
#include "libs/http/target.h"

#include "libs/base/hex.h"
#include "libs/base/string.h"

#define SWITCH_BYTES 16

static void skip(struct span *s, size_t len)
{
	s->data += len;
	s->len -= len;
}

// Takes what stands before `separator` off `rest`, and the separator; or all, when it has none.
static struct span take_part(struct span *rest, char separator)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	struct span part = *rest;

	if (end != NULL)
		part.len = (size_t)(end - rest->data);
	skip(rest, part.len + (end != NULL));
	return part;
}

error_t http_target_split(struct span target, struct http_target *out)
{
	struct span rest = target;

	if (span_take_prefix_nocase(&rest, "http://")) {
		while (rest.len > 0 && rest.data[0] != '/')
			skip(&rest, 1);
	}
	if (rest.len == 0 || rest.data[0] != '/')
		return ERR_INVALID;
	out->path = take_part(&rest, '?');
	out->query = rest;
	return 0;
}

// The next byte of `text`, decoded; negative when it is none.
static int take_decoded(struct span *text, bool plus)
{
	uint8_t c = text->data[0];
	int high, low;

	if (c != '%') {
		skip(text, 1);
		return plus && c == '+' ? ' ' : c;
	}
	high = text->len > 2 ? hex_digit(text->data[1]) : -1;
	low = text->len > 2 ? hex_digit(text->data[2]) : -1;
	if (high < 0 || low < 0)
		return -1;
	skip(text, 3);
	return high * 16 + low;
}

error_t http_percent_decode(struct span text, bool plus, char *out, size_t size, size_t *len)
{
	*len = 0;
	while (text.len > 0) {
		int c = take_decoded(&text, plus);

		// In text that C sees, a NUL would end it.
		if (c <= 0)
			return ERR_INVALID;
		if (*len + 1 >= size)
			return ERR_TOO_LARGE;
		out[(*len)++] = (char)c;
	}
	out[*len] = '\0';
	return 0;
}

// Whether a key is `name` when it is decoded.
static bool is_key(struct span key, const char *name)
{
	while (key.len > 0) {
		int c = take_decoded(&key, true);

		if (c <= 0 || (char)c != *name)
			return false;
		name++;
	}
	return *name == '\0';
}

// The nth value of the key, as it came.
static bool find_value(struct span query, const char *name, unsigned nth, struct span *value)
{
	while (query.len > 0) {
		struct span pair = take_part(&query, '&');
		struct span key = take_part(&pair, '=');

		if (is_key(key, name) && nth-- == 0) {
			*value = pair;
			return true;
		}
	}
	return false;
}

error_t http_query_value(struct span query, const char *name, unsigned nth, char *out, size_t size)
{
	struct span value;
	size_t len;

	if (!find_value(query, name, nth, &value))
		return ERR_NOT_FOUND;
	return http_percent_decode(value, true, out, size, &len);
}

error_t http_query_switch(struct span query, const char *name, bool otherwise, bool *out)
{
	static const char *const off[] = { "", "0", "no", "false", "none" };
	char text[SWITCH_BYTES];
	struct span value;
	size_t len;
	error_t err;

	*out = otherwise;
	for (unsigned nth = 0; find_value(query, name, nth, &value); nth++) {
		err = http_percent_decode(value, true, text, sizeof(text), &len);
		if (err == ERR_INVALID)
			return err;
		*out = true;
		for (size_t i = 0; err == 0 && i < sizeof(off) / sizeof(off[0]); i++) {
			if (span_equals_nocase(
				    (struct span){ .data = (const uint8_t *)text, .len = len },
				    off[i]))
				*out = false;
		}
	}
	return 0;
}
