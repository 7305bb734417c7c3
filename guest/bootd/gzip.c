// SPDX-License-Identifier: MIT
#include "guest/bootd/gzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bootd/inflate.h"

#define INPUT_SIZE 16384
// RFC 1952.
#define METHOD_DEFLATE 8
#define FLAG_HEADER_CRC 0x02
#define FLAG_EXTRA 0x04
#define FLAG_NAME 0x08
#define FLAG_COMMENT 0x10

struct gzip {
	tar_read_fn read;
	void *context;
	uint8_t input[INPUT_SIZE];
	size_t at, len;
	bool is_begun;   // whether it is compressed is known
	bool is_packed;  // it is
	bool is_inside;  // a member
	bool is_over;    // what follows the last member
	bool failed;     // errno says why
	uint32_t crc;
	uint32_t crc_table[256];
	struct inflate inflate;
};

struct gzip *gzip_open(tar_read_fn read, void *context)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->read = read;
	g->context = context;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;

		for (int bit = 0; bit < 8; bit++)
			value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320 : value >> 1;
		g->crc_table[i] = value;
	}
	return g;
}

void gzip_close(struct gzip *gzip)
{
	free(gzip);
}

// Has at least one byte of input, unless there is none. False with errno when it cannot be read.
static bool fill(struct gzip *g)
{
	long got;

	if (g->at < g->len)
		return true;
	got = g->read(g->context, g->input, sizeof(g->input));
	g->at = 0;
	g->len = got > 0 ? (size_t)got : 0;
	g->failed = g->failed || got < 0;
	return got >= 0;
}

static int next_byte(void *context)
{
	struct gzip *g = context;

	if (!fill(g))
		return -2;
	return g->at < g->len ? g->input[g->at++] : -1;
}

static int damaged(struct gzip *g)
{
	if (!g->failed)
		errno = EBADMSG;
	g->failed = true;
	return -1;
}

static bool skip(struct gzip *g, unsigned count)
{
	while (count > 0 && next_byte(g) >= 0)
		count--;
	return count == 0;
}

static bool skip_text(struct gzip *g)
{
	int byte;

	do
		byte = next_byte(g);
	while (byte > 0);
	return byte == 0;
}

// What follows the magic number.
static bool take_header(struct gzip *g)
{
	int method = next_byte(g), flags = next_byte(g);
	int low = 0, high = 0;

	if (method != METHOD_DEFLATE || flags < 0 || !skip(g, 6))
		return false;
	if ((flags & FLAG_EXTRA) != 0) {
		low = next_byte(g);
		high = next_byte(g);
		if (low < 0 || high < 0 || !skip(g, (unsigned)(high << 8 | low)))
			return false;
	}
	return ((flags & FLAG_NAME) == 0 || skip_text(g)) &&
		((flags & FLAG_COMMENT) == 0 || skip_text(g)) &&
		((flags & FLAG_HEADER_CRC) == 0 || skip(g, 2));
}

// 1: a member has begun; 0: nothing more comes; -1: it is damaged.
static int begin_member(struct gzip *g)
{
	int first = next_byte(g);

	// Padding may follow the last one.
	if (first == -1 || (first == 0 && g->is_inside))
		return 0;
	if (first != 0x1f || next_byte(g) != 0x8b || !take_header(g))
		return -1;
	g->crc = 0xffffffff;
	g->is_inside = true;
	inflate_begin(&g->inflate, next_byte, g);
	return 1;
}

static bool take_number(struct gzip *g, uint32_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 32; shift += 8) {
		int byte = next_byte(g);

		if (byte < 0)
			return false;
		*out |= (uint32_t)byte << shift;
	}
	return true;
}

// The checksum and the size behind a member.
static bool end_member(struct gzip *g)
{
	uint32_t crc, size;

	return take_number(g, &crc) && take_number(g, &size) && crc == (g->crc ^ 0xffffffff) &&
		size == (uint32_t)g->inflate.written;
}

// The next byte of all members; -1: there is none; -2: they are damaged.
static int next_unpacked(struct gzip *g)
{
	for (;;) {
		int byte = inflate_next(&g->inflate), begun;

		if (byte >= 0) {
			g->crc = g->crc >> 8 ^ g->crc_table[(g->crc ^ (uint32_t)byte) & 0xff];
			return byte;
		}
		if (byte == -2 || !end_member(g))
			return -2;
		begun = begin_member(g);
		if (begun <= 0)
			return begun < 0 ? -2 : -1;
	}
}

// A stream that is shorter than a magic number is none of gzip's.
static bool begin(struct gzip *g)
{
	if (!fill(g))
		return false;
	g->is_begun = true;
	if (g->len == 1) {
		long more = g->read(g->context, g->input + 1, 1);

		g->failed = more < 0;
		g->len += more > 0 ? 1 : 0;
	}
	g->is_packed = g->len >= 2 && g->input[0] == 0x1f && g->input[1] == 0x8b;
	return !g->failed && (!g->is_packed || begin_member(g) == 1);
}

static long read_plain(struct gzip *g, void *bytes, size_t len)
{
	if (!fill(g))
		return -1;
	if (len > g->len - g->at)
		len = g->len - g->at;
	memcpy(bytes, g->input + g->at, len);
	g->at += len;
	return (long)len;
}

long gzip_read(void *gzip, void *bytes, size_t len)
{
	struct gzip *g = gzip;
	size_t done = 0;
	int byte = 0;

	if (g->failed || (!g->is_begun && !begin(g)))
		return damaged(g);
	if (!g->is_packed)
		return read_plain(g, bytes, len);
	while (done < len && !g->is_over) {
		byte = next_unpacked(g);
		if (byte == -2)
			return damaged(g);
		g->is_over = byte == -1;
		if (byte >= 0)
			((uint8_t *)bytes)[done++] = (uint8_t)byte;
	}
	return (long)done;
}
