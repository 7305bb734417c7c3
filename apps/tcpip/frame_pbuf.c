// SPDX-License-Identifier: MIT
#include "apps/tcpip/frame_pbuf.h"

#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

struct frame_pbuf {
	struct pbuf_custom custom;  // first: lwIP gives its address back
	handle_t folio;
	const uint8_t *folio_start;
};

static void frame_pbuf_free(struct pbuf *p)
{
	struct frame_pbuf *frame = (struct frame_pbuf *)(void *)p;

	if (frame->folio != HANDLE_NONE)
		handle_close(frame->folio);
	heap_free(frame);
}

// Of a folio that others have, too. Consumes it.
static struct pbuf *copy_make(handle_t folio, uint32_t offset, uint32_t length)
{
	struct payload payload;
	struct pbuf *p = NULL;

	if (payload_open_folio(folio, offset, length, &payload))
		return NULL;
	p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
	if (p != NULL)
		(void)pbuf_take(p, payload.bytes.data, (u16_t)length);
	payload_release(&payload);
	return p;
}

struct pbuf *frame_pbuf_make(handle_t folio, uint32_t offset, uint32_t length)
{
	struct frame_pbuf *frame;
	struct folio_info info;
	struct payload payload;

	if (length == 0 || length > UINT16_MAX || folio_info(folio, &info)) {
		handle_close(folio);
		return NULL;
	}
	// lwIP turns headers into the host's byte order where they lie.
	if ((info.flags & FOLIO_READ_ONLY) != 0)
		return copy_make(folio, offset, length);
	if (payload_open_writable(folio, offset, length, &payload))
		return NULL;
	frame = heap_alloc(sizeof(*frame));
	if (frame == NULL) {
		payload_release(&payload);
		return NULL;
	}
	frame->folio = payload.folio;
	frame->folio_start = payload.bytes.data - offset;
	frame->custom.custom_free_function = frame_pbuf_free;
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)length, PBUF_REF, &frame->custom,
	                           (void *)(uintptr_t)payload.bytes.data, (u16_t)length);
}

handle_t frame_pbuf_folio(const struct pbuf *p, uint32_t *offset)
{
	const struct frame_pbuf *frame = (const struct frame_pbuf *)(const void *)p;

	if ((p->flags & PBUF_FLAG_IS_CUSTOM) == 0 || p->ref != 1 ||
	    frame->custom.custom_free_function != frame_pbuf_free)
		return HANDLE_NONE;
	*offset = (uint32_t)((const uint8_t *)p->payload - frame->folio_start);
	return frame->folio;
}

void frame_pbuf_forget_folio(struct pbuf *p)
{
	struct frame_pbuf *frame = (struct frame_pbuf *)(void *)p;

	frame->folio = HANDLE_NONE;
}
