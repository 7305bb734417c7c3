// SPDX-License-Identifier: MIT
//
// From the network to the client: received pbufs wait in `rx` until the channel takes them, and the
// peer's window opens only for what the channel took.
#include "apps/tcpip/connection_rx.h"

#include "apps/tcpip/frame_pbuf.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

// What a received piece that waits may have at most to be copied to memory that it shares with
// others, and how much that is.
#define COMPACT_MAX 1024
#define SMALL_PIECES 2048u

// Bytes of memory that a waiting piece takes.
static ptrdiff_t memory_of(const struct pbuf *p)
{
	if ((p->flags & PBUF_FLAG_IS_CUSTOM) != 0)
		return (ptrdiff_t)((p->len + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
	return SMALL_PIECES;
}

static void rx_add(struct connection *c, struct pbuf *p)
{
	if (c->rx == NULL)
		c->rx = p;
	else
		c->rx_last->next = p;
	for (; p != NULL; p = p->next) {
		c->rx_last = p;
		share_count_waiting(c->member, memory_of(p));
	}
	c->rx_room = 0;
}

// A small piece that has to wait is copied behind others: it must not hold a page, nor a buffer.
// Returns whether it was.
static bool rx_add_copy(struct connection *c, const struct pbuf *p)
{
	if (p->tot_len > COMPACT_MAX)
		return false;
	if (p->tot_len > c->rx_room) {
		struct pbuf *piece = pbuf_alloc(PBUF_RAW, SMALL_PIECES, PBUF_RAM);

		if (piece == NULL)
			return false;
		piece->len = 0;
		rx_add(c, piece);
		c->rx_room = SMALL_PIECES;
	}
	pbuf_copy_partial(p, (uint8_t *)c->rx_last->payload + c->rx_last->len, p->tot_len, 0);
	c->rx_last->len = (u16_t)(c->rx_last->len + p->tot_len);
	c->rx_room -= p->tot_len;
	return true;
}

void rx_receive(struct connection *c, struct pbuf *p)
{
	if (c->rx != NULL && rx_add_copy(c, p))
		pbuf_free(p);
	else
		rx_add(c, p);
}

// The first piece goes. The peer may send as much again.
static void rx_drop_first(struct connection *c)
{
	struct pbuf *p = c->rx;

	share_count_waiting(c->member, -memory_of(p));
	c->rx = p->next;
	if (c->pcb != NULL)
		tcp_recved(c->pcb, p->len);
	p->next = NULL;
	pbuf_free(p);
}

// Makes a message of the first pbuf of `c->rx`: inline, or with the folio it lies in, or copied.
// Nothing is taken out of `c->rx`, so that a channel without room changes nothing.
static error_t rx_message(const struct connection *c, struct message *m)
{
	const struct pbuf *p = c->rx;
	struct msg_data data = { .length = p->len };
	handle_t folio;
	error_t err;

	if (p->len <= MSG_DATA_INLINE_MAX)
		return message_encode_data(m, &data, p->payload, p->len);
	folio = frame_pbuf_folio(p, &data.offset);
	if (folio == HANDLE_NONE)
		return payload_make(m, p->payload, p->len);
	err = message_encode_data(m, &data, NULL, 0);
	m->handles[0] = folio;
	m->num_handles = 1;
	return err;
}

// The message of rx_message was sent: its pbuf goes.
static void rx_sent(struct connection *c, const struct message *m)
{
	uint32_t offset;

	if (m->num_handles == 1 && m->handles[0] == frame_pbuf_folio(c->rx, &offset))
		frame_pbuf_forget_folio(c->rx);
	rx_drop_first(c);
}

// Drops the message of rx_message; a folio of the pbuf itself stays with the pbuf.
static void rx_unsent(const struct connection *c, struct message *m)
{
	uint32_t offset;

	if (m->num_handles == 1 && m->handles[0] != frame_pbuf_folio(c->rx, &offset))
		message_discard(m);
}

void rx_drop(struct connection *c)
{
	while (c->rx != NULL)
		rx_drop_first(c);
}

// Tells the client that no more comes: an orderly end, or an abort.
static void push_end(struct connection *c)
{
	struct msg_end end = { 0 };
	struct msg_abort abort = { .reason = ERR_IO };
	struct message m;
	error_t err;

	if (c->rx_end_sent)
		return;
	err = c->aborted ? message_encode_abort(&m, &abort, NULL, 0)
			 : message_encode_end(&m, &end, NULL, 0);
	if (!err)
		err = channel_send(c->channel.handle, &m);
	if (err == ERR_FULL) {
		source_want_writable(&c->channel, true);
		return;
	}
	c->rx_end_sent = true;
}

void rx_push(struct connection *c)
{
	if (c->client_gone) {
		rx_drop(c);
		return;
	}
	while (c->rx != NULL) {
		struct message m;
		error_t err;

		if (c->has_window && c->window == 0) {
			if (!c->lost)
				return;  // tried again when the client takes more
			// A client that takes nothing hears of it all the same.
			c->aborted = true;
			rx_drop(c);
			break;
		}
		err = rx_message(c, &m);

		if (!err) {
			err = channel_send(c->channel.handle, &m);
			if (!err) {
				c->window -= c->has_window;
				rx_sent(c, &m);
				continue;
			}
			rx_unsent(c, &m);
		}
		if (err == ERR_FULL) {
			source_want_writable(&c->channel, true);
			return;
		}
		if (err == ERR_PEER_CLOSED) {
			rx_drop(c);  // channel_closed follows
			return;
		}
		if (c->pcb != NULL)
			return;  // out of memory: tried again at the next poll
		c->aborted = true;
		rx_drop(c);
	}
	if (c->rx_end)
		push_end(c);
}

void rx_widen(struct connection *c, uint32_t messages)
{
	c->has_window = true;
	c->window = messages < UINT32_MAX - c->window ? c->window + messages : UINT32_MAX;
	rx_push(c);
}
