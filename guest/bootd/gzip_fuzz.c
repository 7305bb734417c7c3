// SPDX-License-Identifier: MIT
//
// Any bytes behind the header of a member, in pieces of any length.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bootd/gzip.h"

#define MAX_UNPACKED (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
	size_t piece;
	bool is_begun;
};

static long take(void *context, void *bytes, size_t len)
{
	static const uint8_t header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	struct input *in = context;
	size_t part = len < in->left ? len : in->left;

	if (!in->is_begun) {
		in->is_begun = true;
		memcpy(bytes, header, sizeof(header));
		return sizeof(header);
	}
	if (part > in->piece)
		part = in->piece;
	if (part > 0)
		memcpy(bytes, in->data, part);
	in->data += part;
	in->left -= part;
	return (long)part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	uint8_t bytes[1000];
	struct gzip *gzip;
	long got = 1;

	if (size == 0)
		return 0;
	in = (struct input){ .data = data + 1, .left = size - 1, .piece = 1u + data[0] };
	gzip = gzip_open(take, &in);
	if (gzip == NULL)
		abort();
	for (size_t sum = 0; got > 0 && sum < MAX_UNPACKED; sum += (size_t)got)
		got = gzip_read(gzip, bytes, sizeof(bytes));
	gzip_close(gzip);
	return 0;
}
