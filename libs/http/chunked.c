// SPDX-License-Identifier: MIT
#include "libs/http/chunked.h"

#include "libs/base/hex.h"

static error_t take_size(struct http_chunked *d, uint8_t c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (d->left > UINT64_MAX >> 8)
			return ERR_PROTOCOL;
		d->left = d->left << 4 | (uint64_t)digit;
		d->has_digit = true;
		return 0;
	}
	if (!d->has_digit)
		return ERR_PROTOCOL;
	if (c == '\r')
		d->state = HTTP_CHUNK_SIZE_LF;
	else if (c == ';' || c == ' ' || c == '\t')
		d->state = HTTP_CHUNK_EXTENSION;
	else
		return ERR_PROTOCOL;
	return 0;
}

// The rest of a line whose content means nothing to us; a bare LF in it could be read in two ways.
static error_t take_ignored(struct http_chunked *d, uint8_t c, enum http_chunk_state next)
{
	if (c == '\n')
		return ERR_PROTOCOL;
	if (c == '\r')
		d->state = next;
	return 0;
}

static error_t take_expected(struct http_chunked *d, uint8_t c, uint8_t expected,
                             enum http_chunk_state next)
{
	if (c != expected)
		return ERR_PROTOCOL;
	d->state = next;
	return 0;
}

// One byte that is not data.
static error_t take_byte(struct http_chunked *d, uint8_t c)
{
	if (++d->line > HTTP_MAX_CHUNK_LINE)
		return ERR_PROTOCOL;
	switch (d->state) {
	case HTTP_CHUNK_SIZE: return take_size(d, c);
	case HTTP_CHUNK_EXTENSION: return take_ignored(d, c, HTTP_CHUNK_SIZE_LF);
	case HTTP_CHUNK_SIZE_LF:
		return take_expected(d, c, '\n',
		                     d->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER);
	case HTTP_CHUNK_DATA_CR: return take_expected(d, c, '\r', HTTP_CHUNK_DATA_LF);
	case HTTP_CHUNK_DATA_LF:
		d->has_digit = false;
		return take_expected(d, c, '\n', HTTP_CHUNK_SIZE);
	case HTTP_CHUNK_TRAILER:
		d->state = HTTP_CHUNK_TRAILER_LINE;
		return take_ignored(d, c, HTTP_CHUNK_LAST_LF);
	case HTTP_CHUNK_TRAILER_LINE: return take_ignored(d, c, HTTP_CHUNK_TRAILER_LF);
	case HTTP_CHUNK_TRAILER_LF: return take_expected(d, c, '\n', HTTP_CHUNK_TRAILER);
	case HTTP_CHUNK_LAST_LF: return take_expected(d, c, '\n', HTTP_CHUNK_END);
	default: return ERR_PROTOCOL;
	}
}

error_t http_chunked_take(struct http_chunked *d, struct span *in, struct span *data)
{
	*data = (struct span){ .data = in->data, .len = 0 };
	while (in->len > 0 && d->state != HTTP_CHUNK_END) {
		error_t err;

		if (d->state == HTTP_CHUNK_DATA) {
			data->data = in->data;
			data->len = in->len < d->left ? in->len : (size_t)d->left;
			in->data += data->len;
			in->len -= data->len;
			d->left -= data->len;
			d->line = 0;
			if (d->left == 0)
				d->state = HTTP_CHUNK_DATA_CR;
			return 0;
		}
		err = take_byte(d, in->data[0]);
		if (err)
			return err;
		in->data++;
		in->len--;
	}
	return 0;
}
