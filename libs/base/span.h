// SPDX-License-Identifier: MIT
//
// Bytes from outside (wire, guest, device, peer) are touched only through these: a span knows its
// length, a reader and a writer check every step. A failed step makes the reader or writer
// sticky-bad, so that a parser may read all its fields first and ask once.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/base/string.h"

struct span {
	const uint8_t *data;
	size_t len;
};

struct mut_span {
	uint8_t *data;
	size_t len;
};

static inline struct span span_make(const void *data, size_t len)
{
	return (struct span){ .data = data, .len = len };
}

// The bytes of a string, without its NUL.
static inline struct span text_span(const char *text)
{
	return span_make(text, strlen(text));
}

// Whether the bytes are those of `text`, without its NUL.
static inline bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

// Takes `prefix` off the front. Returns whether it was there; nothing is taken else.
static inline bool span_take_prefix(struct span *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->data, prefix, len) != 0)
		return false;
	*s = span_make(s->data + len, s->len - len);
	return true;
}

static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

// As span_is and span_take_prefix, without regard to the case of ASCII's letters.
static inline bool span_equals_nocase(struct span s, const char *text)
{
	if (s.len != strlen(text))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (ascii_lower(s.data[i]) != ascii_lower((uint8_t)text[i]))
			return false;
	return true;
}

static inline bool span_take_prefix_nocase(struct span *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || !span_equals_nocase(span_make(s->data, len), prefix))
		return false;
	*s = span_make(s->data + len, s->len - len);
	return true;
}

struct reader {
	struct span rest;
	bool bad;
};

static inline struct reader reader_make(const void *data, size_t len)
{
	return (struct reader){ .rest = { .data = data, .len = len } };
}

// 0 when every step so far was within bounds, else ERR_RANGE.
static inline __must_check error_t reader_status(const struct reader *r)
{
	return r->bad ? ERR_RANGE : 0;
}

// The next `len` bytes, still in place; an empty span, and a bad reader, when there are not as
// many.
struct span reader_bytes(struct reader *r, size_t len);
// Copies the next `len` bytes to `out`; zeroes `out` when there are not as many.
void reader_copy(struct reader *r, void *out, size_t len);
void reader_skip(struct reader *r, size_t len);
// Integers; 0 when there are not enough bytes.
uint8_t reader_u8(struct reader *r);
uint16_t reader_le16(struct reader *r);
uint32_t reader_le32(struct reader *r);
uint64_t reader_le64(struct reader *r);
uint16_t reader_be16(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);

struct writer {
	uint8_t *data;
	size_t capacity;
	size_t len;  // bytes written
	bool bad;
};

static inline struct writer writer_make(void *data, size_t capacity)
{
	return (struct writer){ .data = data, .capacity = capacity };
}

// 0 when everything fitted, else ERR_TOO_LARGE.
static inline __must_check error_t writer_status(const struct writer *w)
{
	return w->bad ? ERR_TOO_LARGE : 0;
}

// Append bytes, zeros or an integer. What does not fit is not written at all and makes the writer
// bad.
void writer_bytes(struct writer *w, const void *data, size_t len);
void writer_zero(struct writer *w, size_t len);
void writer_u8(struct writer *w, uint8_t value);
void writer_le16(struct writer *w, uint16_t value);
void writer_le32(struct writer *w, uint32_t value);
void writer_le64(struct writer *w, uint64_t value);
void writer_be16(struct writer *w, uint16_t value);
void writer_be32(struct writer *w, uint32_t value);
void writer_be64(struct writer *w, uint64_t value);
// A NUL-terminated string without its NUL.
void writer_str(struct writer *w, const char *s);

// Whether [offset, offset + len) lies within `size` bytes; safe against overflow.
static inline bool range_within(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}
