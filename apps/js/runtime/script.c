// SPDX-License-Identifier: MIT
//
// Little-endian numbers of 32 bits: magic, version, size of all, sources, lines, offset and length
// of the text, offset of the sources (pairs of an offset and a length), offset of the lines (16
// bits of source, 16 of zero, 32 of line, 0: none).
#include "apps/js/runtime/script.h"

#include "libs/base/string.h"

#define SOURCE_SIZE 8u
#define LINE_SIZE 8u

static bool fits(struct span bytes, size_t at, size_t len)
{
	return at <= bytes.len && len <= bytes.len - at;
}

static struct span part(struct span bytes, size_t at, size_t len)
{
	return (struct span){ bytes.data + at, len };
}

static bool sources_are_valid(const struct script *s)
{
	struct reader r = reader_make(s->bytes.data + s->sources_at, s->num_sources * SOURCE_SIZE);

	for (uint32_t i = 0; i < s->num_sources; i++) {
		uint32_t at = reader_le32(&r), len = reader_le32(&r);

		if (!fits(s->bytes, at, len))
			return false;
	}
	return true;
}

static bool lines_are_valid(const struct script *s)
{
	struct reader r = reader_make(s->bytes.data + s->lines_at, s->num_lines * LINE_SIZE);

	for (uint32_t i = 0; i < s->num_lines; i++) {
		uint16_t source = reader_le16(&r), reserved = reader_le16(&r);
		uint32_t line = reader_le32(&r);

		if (reserved != 0 || (line != 0 && source >= s->num_sources))
			return false;
	}
	return true;
}

// What is wrong; NULL when nothing is.
static const char *read_parts(struct script *s)
{
	struct reader r = reader_make(s->bytes.data, s->bytes.len);
	uint32_t magic = reader_le32(&r), version = reader_le32(&r), size = reader_le32(&r);
	uint32_t text_at;

	s->num_sources = reader_le32(&r);
	s->num_lines = reader_le32(&r);
	text_at = reader_le32(&r);
	s->text_len = reader_le32(&r);
	s->sources_at = reader_le32(&r);
	s->lines_at = reader_le32(&r);
	if (reader_status(&r) != 0 || magic != SCRIPT_MAGIC)
		return "it is not a script";
	if (version != SCRIPT_VERSION)
		return "it is of another version";
	if (size > s->bytes.len)
		return "it is not whole";
	s->bytes.len = size;
	if (!fits(s->bytes, text_at, s->text_len + 1) ||
	    s->bytes.data[text_at + s->text_len] != '\0')
		return "its text is not in it";
	s->text = (const char *)s->bytes.data + text_at;
	if (!fits(s->bytes, s->sources_at, (size_t)s->num_sources * SOURCE_SIZE) ||
	    !sources_are_valid(s))
		return "its sources are not in it";
	if (!fits(s->bytes, s->lines_at, (size_t)s->num_lines * LINE_SIZE) || !lines_are_valid(s))
		return "its lines are not in it";
	return NULL;
}

error_t script_open(struct script *script, struct span bytes, const char **why)
{
	*script = (struct script){ .bytes = bytes };
	*why = read_parts(script);
	return *why == NULL ? 0 : ERR_INVALID;
}

bool script_line(const struct script *script, uint32_t line, struct span *source,
                 uint32_t *source_line)
{
	struct reader r;
	uint16_t index;
	uint32_t at, len;

	if (line == 0 || line > script->num_lines)
		return false;
	r = reader_make(script->bytes.data + script->lines_at + (size_t)(line - 1) * LINE_SIZE,
	                LINE_SIZE);
	index = reader_le16(&r);
	reader_skip(&r, 2);
	*source_line = reader_le32(&r);
	if (*source_line == 0)
		return false;
	r = reader_make(script->bytes.data + script->sources_at + index * SOURCE_SIZE, SOURCE_SIZE);
	at = reader_le32(&r);
	len = reader_le32(&r);
	*source = part(script->bytes, at, len);
	return true;
}

// The number before `*len` of the text, with the colon before it, which are taken off. False when
// there is none.
static bool take_number(const uint8_t *text, size_t *len, uint32_t *out)
{
	size_t at = *len;
	uint64_t value = 0, unit = 1;

	while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9' && unit < 10000000000u) {
		value += (uint64_t)(text[--at] - '0') * unit;
		unit *= 10;
	}
	if (at == *len || at == 0 || text[at - 1] != ':' || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	*len = at - 1;
	return true;
}

// Takes `end` off the end of the text, if it ends so.
static bool take_end(const uint8_t *text, size_t *len, const char *end)
{
	size_t end_len = strlen(end);

	if (*len < end_len || memcmp(text + *len - end_len, end, end_len) != 0)
		return false;
	*len -= end_len;
	return true;
}

enum script_frame_kind script_frame(const struct script *script, struct span text,
                                    struct script_place *out)
{
	const uint8_t *data = text.data;
	size_t len = text.len;
	uint32_t column, line;

	if (len < 3 || memcmp(data, "at ", 3) != 0)
		return FRAME_UNKNOWN;
	take_end(data, &len, ")");
	// Natives, and the modules of the API, have no line.
	if (!take_number(data, &len, &column) || !take_number(data, &len, &line))
		return FRAME_OF_API;
	if (take_end(data, &len, " (" SCRIPT_NAME) && len >= 3)
		out->name_len = len - 3;
	else if (take_end(data, &len, "at " SCRIPT_NAME) && len == 0)
		out->name_len = 0;  // a syntax error is in no function
	else
		return FRAME_OF_API;
	out->name = (const char *)data + 3;
	return script_line(script, line, &out->source, &out->line) ? FRAME_OF_SOURCE
								   : FRAME_UNKNOWN;
}
