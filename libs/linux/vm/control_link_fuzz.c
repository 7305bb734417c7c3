// SPDX-License-Identifier: MIT
//
// bootd's bytes at the control link, in pieces of any size, while requests go out: each request has
// one reply at most, a text is fit to be shown, and what is sent is what was asked for.
#include "libs/linux/vm/control_link.h"

#include <stdlib.h>
#include <string.h>

#include "libs/base/text.h"
#include "libs/starina/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control_link link;
static uint32_t num_replies;
static uint64_t bytes_sent, bytes_asked;

static void check(bool condition)
{
	if (!condition)
		abort();
}

void *heap_alloc(size_t size)
{
	return malloc(size);
}

void heap_free(void *ptr)
{
	free(ptr);
}

static error_t take_frame(void *context, const struct control_header *header, struct span body)
{
	char text[CONTROL_TEXT_MAX];

	check(context == &link && body.len == header->length && body.len <= CONTROL_LINK_MAX_BODY);
	control_text(text, body);
	for (size_t i = 0, len = strlen(text), n; i < len; i += n) {
		n = text_visible(text + i, len - i);
		check(n > 0);
	}
	num_replies += header->type == CONTROL_REPLY;
	check(num_replies <= link.last_request);
	return header->type == 99 ? ERR_PROTOCOL : 0;
}

// A header that is nearly right, with its body to come out of the input.
static size_t make_header(struct reader *r, uint8_t *out)
{
	struct control_header header = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION };
	uint8_t how = reader_u8(r);

	header.type = (how & 1) != 0 ? CONTROL_REPLY : reader_le16(r);
	header.request = (how & 2) != 0 ? num_replies + 1 : reader_u8(r);
	header.process = how >> 6;
	header.length = (how & 4) != 0 ? reader_u8(r) % 32
				       : reader_le16(r) % (CONTROL_LINK_MAX_BODY + 2);
	memcpy(out, &header, sizeof(header));
	return sizeof(header);
}

static void ask(struct reader *r)
{
	static const uint8_t body[5000];
	struct span fixed = { .data = body, .len = reader_u8(r) },
		    tail = { .data = body, .len = reader_le16(r) % sizeof(body) };
	uint32_t request = 0;

	check(control_link_request(&link, CONTROL_SIGNAL, 1, fixed, tail, &request) == 0 &&
	      request == link.last_request);
	bytes_asked += sizeof(struct control_header) + fixed.len + tail.len;
}

static void send(struct reader *r)
{
	struct span pending = control_link_pending(&link);
	size_t n = reader_le16(r);

	n = n < pending.len ? n : pending.len;
	bytes_sent += n;
	if (n > 0)
		control_link_sent(&link, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_make(data, size);
	bool broken = false;

	control_link_init(&link, take_frame, &link);
	num_replies = 0;
	bytes_sent = bytes_asked = 0;
	while (r.rest.len > 0 && reader_status(&r) == 0 && !broken) {
		uint8_t op = reader_u8(&r), header[sizeof(struct control_header)];
		struct span piece;

		switch (op % 4) {
		case 0: ask(&r); break;
		case 1: send(&r); break;
		case 2:
			piece = (struct span){ .data = header, .len = make_header(&r, header) };
			broken = control_link_receive(&link, piece) < 0;
			break;
		default:
			piece = reader_bytes(&r, op / 4u < r.rest.len ? op / 4u : r.rest.len);
			broken = control_link_receive(&link, piece) < 0;
			break;
		}
		check(control_link_pending(&link).len == bytes_asked - bytes_sent);
	}
	control_link_deinit(&link);
	return 0;
}
