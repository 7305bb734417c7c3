// SPDX-License-Identifier: MIT
//
// Any bytes as an archive, in pieces of any length. With the first byte odd, checksums of headers
// are made to fit.
#include <stdlib.h>
#include <string.h>

#include "guest/bootd/tar_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
	size_t piece;
	int mends;
};

static void mend(uint8_t *header)
{
	struct tar_header *h = (struct tar_header *)header;
	unsigned sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += header[i];
	for (size_t i = 0; i < 6; i++)
		h->checksum[5 - i] = (char)('0' + (sum >> (3 * i) & 7));
}

static long take(void *context, void *bytes, size_t len)
{
	struct input *in = context;
	size_t part = len < in->left ? len : in->left;

	if (in->mends == 0 && part > in->piece)
		part = in->piece;
	if (part > 0)
		memcpy(bytes, in->data, part);
	in->data += part;
	in->left -= part;
	if (in->mends && part == TAR_BLOCK)
		mend(bytes);
	return (long)part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data + 2, .left = size - 2 };
	static struct tar_entry entry;
	struct tar_reader reader;
	uint8_t content[300];

	if (size < 2)
		return 0;
	in.mends = data[0] & 1;
	in.piece = 1u + data[1];
	if (tar_reader_init(&reader, take, &in) != 0)
		abort();
	while (tar_next(&reader, &entry) == 1) {
		if (memchr(entry.name, 0, sizeof(entry.name)) == NULL ||
		    memchr(entry.link, 0, sizeof(entry.link)) == NULL)
			abort();
		for (size_t at = 0; at < entry.xattrs_len;) {
			uint32_t len;

			at += strlen((const char *)entry.xattrs + at) + 1;
			memcpy(&len, entry.xattrs + at, sizeof(len));
			at += sizeof(len) + len;
			if (at > entry.xattrs_len || at > TAR_PAX_MAX)
				abort();
		}
		if (data[0] & 2)
			while (tar_content(&reader, content, sizeof(content)) > 0)
				;
	}
	tar_reader_deinit(&reader);
	return 0;
}
