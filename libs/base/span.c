// SPDX-License-Identifier: MIT
#include "libs/base/span.h"

#include "libs/base/string.h"

struct span reader_bytes(struct reader *r, size_t len)
{
	struct span taken = { .data = r->rest.data, .len = len };

	if (r->bad || len > r->rest.len) {
		r->bad = true;
		return (struct span){ .data = r->rest.data, .len = 0 };
	}
	// An empty span may have no address at all, to which nothing may be added.
	if (len > 0) {
		r->rest.data += len;
		r->rest.len -= len;
	}
	return taken;
}

void reader_copy(struct reader *r, void *out, size_t len)
{
	struct span bytes = reader_bytes(r, len);

	if (len == 0)
		return;
	if (bytes.len == len)
		memcpy(out, bytes.data, len);
	else
		memset(out, 0, len);
}

void reader_skip(struct reader *r, size_t len)
{
	(void)reader_bytes(r, len);
}

// The next `len` (at most 8) bytes as an integer; 0 when there are not as many.
static uint64_t read_le(struct reader *r, size_t len)
{
	struct span bytes = reader_bytes(r, len);
	uint64_t value = 0;

	for (size_t i = bytes.len; i > 0; i--)
		value = value << 8 | bytes.data[i - 1];
	return value;
}

static uint64_t read_be(struct reader *r, size_t len)
{
	struct span bytes = reader_bytes(r, len);
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.len; i++)
		value = value << 8 | bytes.data[i];
	return value;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)read_le(r, 1);
}

uint16_t reader_le16(struct reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t reader_le32(struct reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t reader_le64(struct reader *r)
{
	return read_le(r, 8);
}

uint16_t reader_be16(struct reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t reader_be32(struct reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t reader_be64(struct reader *r)
{
	return read_be(r, 8);
}

// Where the next `len` bytes go; NULL when they do not fit or `len` is 0.
static uint8_t *writer_take(struct writer *w, size_t len)
{
	uint8_t *at;

	if (w->bad || len > w->capacity - w->len) {
		w->bad = true;
		return NULL;
	}
	if (len == 0)
		return NULL;
	at = w->data + w->len;
	w->len += len;
	return at;
}

void writer_bytes(struct writer *w, const void *data, size_t len)
{
	uint8_t *at = writer_take(w, len);

	if (at != NULL)
		memcpy(at, data, len);
}

void writer_zero(struct writer *w, size_t len)
{
	uint8_t *at = writer_take(w, len);

	if (at != NULL)
		memset(at, 0, len);
}

static void write_le(struct writer *w, uint64_t value, size_t len)
{
	uint8_t *at = writer_take(w, len);

	if (at == NULL)
		return;
	for (size_t i = 0; i < len; i++, value >>= 8)
		at[i] = (uint8_t)value;
}

static void write_be(struct writer *w, uint64_t value, size_t len)
{
	uint8_t *at = writer_take(w, len);

	if (at == NULL)
		return;
	for (size_t i = len; i > 0; i--, value >>= 8)
		at[i - 1] = (uint8_t)value;
}

void writer_u8(struct writer *w, uint8_t value)
{
	write_le(w, value, 1);
}

void writer_le16(struct writer *w, uint16_t value)
{
	write_le(w, value, 2);
}

void writer_le32(struct writer *w, uint32_t value)
{
	write_le(w, value, 4);
}

void writer_le64(struct writer *w, uint64_t value)
{
	write_le(w, value, 8);
}

void writer_be16(struct writer *w, uint16_t value)
{
	write_be(w, value, 2);
}

void writer_be32(struct writer *w, uint32_t value)
{
	write_be(w, value, 4);
}

void writer_be64(struct writer *w, uint64_t value)
{
	write_be(w, value, 8);
}

void writer_str(struct writer *w, const char *s)
{
	writer_bytes(w, s, strlen(s));
}
