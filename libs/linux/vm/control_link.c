// SPDX-License-Identifier: MIT

#include "libs/linux/vm/control_link.h"

#include "libs/base/string.h"
#include "libs/base/text.h"
#include "libs/starina/alloc.h"

void control_link_init(struct control_link *link,
                       error_t (*frame)(void *context, const struct control_header *header,
                                        struct span body),
                       void *context)
{
	memset(link, 0, sizeof(*link));
	link->frame = frame;
	link->context = context;
}

void control_link_deinit(struct control_link *link)
{
	heap_free(link->tx);
	link->tx = NULL;
	link->tx_len = 0;
	link->tx_sent = 0;
	link->tx_capacity = 0;
}

static error_t reserve(struct control_link *link, size_t len)
{
	size_t waiting = link->tx_len - link->tx_sent;
	size_t capacity = waiting + len;
	uint8_t *tx;

	if (len <= link->tx_capacity - link->tx_len)
		return 0;
	if (capacity > CONTROL_LINK_MAX_PENDING)
		return ERR_LIMIT;
	capacity += waiting / 2;  // a guest that is slow to read is not to cost a copy each time
	tx = heap_alloc(capacity);
	if (tx == NULL)
		return ERR_NO_MEMORY;
	if (waiting > 0)
		memcpy(tx, link->tx + link->tx_sent, waiting);
	heap_free(link->tx);
	link->tx = tx;
	link->tx_len = waiting;
	link->tx_sent = 0;
	link->tx_capacity = capacity;
	return 0;
}

static error_t queue(struct control_link *link, struct control_header *header, struct span fixed,
                     struct span tail)
{
	size_t body = fixed.len + tail.len;
	struct writer w;
	error_t err;

	if (body > CONTROL_MAX_BODY)
		return ERR_TOO_LARGE;
	err = reserve(link, sizeof(*header) + body);
	if (err < 0)
		return err;
	header->magic = CONTROL_MAGIC;
	header->version = CONTROL_VERSION;
	header->length = (uint32_t)body;
	w = writer_make(link->tx + link->tx_len, link->tx_capacity - link->tx_len);
	writer_bytes(&w, header, sizeof(*header));
	if (fixed.len > 0)
		writer_bytes(&w, fixed.data, fixed.len);
	if (tail.len > 0)
		writer_bytes(&w, tail.data, tail.len);
	link->tx_len += w.len;
	return writer_status(&w);
}

error_t control_link_request(struct control_link *link, enum control_type type, uint32_t process,
                             struct span fixed, struct span tail, uint32_t *request)
{
	struct control_header header = { .type = (uint16_t)type,
		                         .process = process,
		                         .request = link->last_request + 1 };
	error_t err = queue(link, &header, fixed, tail);

	if (err == 0)
		*request = ++link->last_request;
	return err;
}

error_t control_link_frame(struct control_link *link, enum control_type type, uint32_t process,
                           struct span fixed, struct span tail)
{
	struct control_header header = { .type = (uint16_t)type, .process = process };

	return queue(link, &header, fixed, tail);
}

struct span control_link_pending(const struct control_link *link)
{
	if (link->tx == NULL)
		return (struct span){ 0 };
	return (struct span){ .data = link->tx + link->tx_sent,
		              .len = link->tx_len - link->tx_sent };
}

void control_link_sent(struct control_link *link, size_t len)
{
	link->tx_sent += len;
	if (link->tx_sent == link->tx_len)
		control_link_deinit(link);
}

// The bytes that the frame at hand has in all, as far as is known. Errors: ERR_PROTOCOL.
static error_t frame_size(const struct control_link *link, struct control_header *header,
                          size_t *size)
{
	struct reader r = reader_make(link->rx, link->rx_len);

	*size = sizeof(*header);
	if (link->rx_len < sizeof(*header))
		return 0;
	reader_copy(&r, header, sizeof(*header));
	if (header->magic != CONTROL_MAGIC || header->version != CONTROL_VERSION ||
	    header->reserved != 0 || header->length > CONTROL_LINK_MAX_BODY)
		return ERR_PROTOCOL;
	*size += header->length;
	return 0;
}

// bootd answers each request once, in their order. More would be answers without end.
static error_t check_reply(struct control_link *link, const struct control_header *header)
{
	if (header->type != CONTROL_REPLY)
		return 0;
	if (header->request <= link->last_reply || header->request > link->last_request)
		return ERR_PROTOCOL;
	link->last_reply = header->request;
	return 0;
}

error_t control_link_receive(struct control_link *link, struct span bytes)
{
	struct reader r = reader_make(bytes.data, bytes.len);

	for (;;) {
		struct control_header header;
		size_t size, n;
		error_t err;

		err = frame_size(link, &header, &size);
		if (err < 0)
			return err;
		if (link->rx_len >= sizeof(header) && link->rx_len == size) {
			struct span body = { .data = link->rx + sizeof(header),
				             .len = header.length };

			link->rx_len = 0;
			err = check_reply(link, &header);
			if (err < 0)
				return err;
			err = link->frame(link->context, &header, body);
			if (err < 0)
				return err;
			continue;
		}
		if (r.rest.len == 0)
			return 0;
		n = size - link->rx_len < r.rest.len ? size - link->rx_len : r.rest.len;
		reader_copy(&r, link->rx + link->rx_len, n);
		link->rx_len += n;
	}
}

void control_text(char out[static CONTROL_TEXT_MAX], struct span text)
{
	size_t len = text.len < CONTROL_TEXT_MAX - 1 ? text.len : CONTROL_TEXT_MAX - 1;

	text_copy_visible(out, (const char *)text.data, len);
}

int control_linux_error(int32_t status)
{
	return status == INT32_MIN ? INT32_MAX : status < 0 ? -status : status;
}
