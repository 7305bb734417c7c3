// SPDX-License-Identifier: MIT
//
// A TCP connection as a channel: MSG_DATA both ways, MSG_END for a half close, MSG_ABORT for a
// reset, closing the channel closes the connection.
//
// Toward the client: received pbufs wait in `rx` until the channel takes them, and the peer's
// window opens only for what the channel took. Toward the network: the client's payloads are
// referenced until they are acknowledged, and no message is taken from the channel while something
// of an earlier one is still unwritten.
#include "apps/tcpip/connection.h"

#include "apps/tcpip/connection_tx.h"
#include "apps/tcpip/frame_pbuf.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// How long the peer of a connection whose client is gone may acknowledge nothing of what is still
// to be sent, in units of lwIP's poll.
#define LINGER_POLLS 60
#define POLL_INTERVAL 2  // half seconds
// What a received piece that waits may have at most to be copied to memory that it shares with
// others, and how much that is.
#define COMPACT_MAX 1024
#define SMALL_PIECES 2048u
// When a peer that is silent is asked whether it is still there: it may have ended while the switch
// did.
#define KEEPALIVE_IDLE_MS 120000u
// How long the peer may take to acknowledge the end, when we have nothing to do with the connection
// any more; in POLL_INTERVALs.
#define ORPHAN_POLLS 60u

static void connection_destroy(struct connection *c)
{
	struct list *entry;

	if (!list_is_empty(&c->chunks))
		link_flush(&c->tcpip->link);
	while ((entry = list_pop_front(&c->chunks)) != NULL) {
		struct chunk *chunk = container_of(entry, struct chunk, entry);

		payload_release(&chunk->payload);
		heap_free(chunk);
	}
	if (c->rx != NULL)
		pbuf_free(c->rx);
	list_remove(&c->dirty);
	if (!c->client_gone)
		loop_close(&c->tcpip->loop, &c->channel);
	share_release(c->member);
	heap_free(c);
}

// lwIP alone would repeat an end that nobody acknowledges for 20 minutes.
static err_t orphan_poll(void *arg, struct tcp_pcb *pcb)
{
	(void)arg;
	tcp_abort(pcb);
	return ERR_ABRT;
}

static void detach_pcb(struct connection *c)
{
	tcp_arg(c->pcb, NULL);
	tcp_recv(c->pcb, NULL);
	tcp_sent(c->pcb, NULL);
	tcp_err(c->pcb, NULL);
	tcp_poll(c->pcb, orphan_poll, ORPHAN_POLLS * POLL_INTERVAL);
}

// Both directions have ended and all is acknowledged: the rest is lwIP's, which tells nobody when
// it frees a pcb in TIME_WAIT. To be called after whatever may have made it so.
static void detach_if_over(struct connection *c)
{
	if (c->pcb == NULL || !c->rx_end || !c->tx_shut || !list_is_empty(&c->chunks))
		return;
	detach_pcb(c);
	c->pcb = NULL;
}

// Not to be called from within lwIP's callbacks of this pcb, which would have to return ERR_ABRT.
static void connection_abort(struct connection *c)
{
	if (c->pcb != NULL) {
		detach_pcb(c);
		tcp_abort(c->pcb);
	}
	connection_destroy(c);
}

// --- Network to client ---

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

static void drop_rx(struct connection *c)
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

static void push_rx(struct connection *c)
{
	if (c->client_gone) {
		drop_rx(c);
		return;
	}
	while (c->rx != NULL) {
		struct message m;
		error_t err = rx_message(c, &m);

		if (!err) {
			err = channel_send(c->channel.handle, &m);
			if (!err) {
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
			drop_rx(c);  // channel_closed follows
			return;
		}
		if (c->pcb != NULL)
			return;  // out of memory: tried again at the next poll
		c->aborted = true;
		drop_rx(c);
	}
	if (c->rx_end)
		push_end(c);
}

// --- Callbacks of lwIP ---

static err_t pcb_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct connection *c = arg;

	(void)pcb;
	if (err != ERR_OK) {
		if (p != NULL)
			pbuf_free(p);
		return ERR_OK;
	}
	// lwIP keeps it, takes no more, and gives it again some time.
	if (p != NULL && c->rx != NULL && !share_may_wait(c->member))
		return ERR_MEM;
	if (p == NULL)
		c->rx_end = true;
	else if (c->rx != NULL && rx_add_copy(c, p))
		pbuf_free(p);
	else
		rx_add(c, p);
	push_rx(c);
	detach_if_over(c);
	connection_mark_dirty(c);
	return ERR_OK;
}

// Everything was sent and acknowledged, and the client is gone: the rest is lwIP's.
static bool is_finished(const struct connection *c)
{
	return c->client_gone && (c->pcb == NULL || (c->tx_shut && list_is_empty(&c->chunks)));
}

static void finish(struct connection *c)
{
	if (c->pcb != NULL) {
		detach_pcb(c);
		if (tcp_close(c->pcb) != ERR_OK)
			tcp_abort(c->pcb);
		c->pcb = NULL;
	}
	connection_destroy(c);
}

static err_t pcb_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct connection *c = arg;

	(void)pcb;
	c->linger = 0;
	tx_acknowledged(c, len);
	tx_push(c);
	detach_if_over(c);
	connection_mark_dirty(c);
	return ERR_OK;
}

// Twice a second times POLL_INTERVAL: what lacked memory is tried again, and a client-less
// connection ends some time.
static err_t pcb_poll(void *arg, struct tcp_pcb *pcb)
{
	struct connection *c = arg;

	push_rx(c);
	tx_push(c);
	tx_shut(c);
	detach_if_over(c);
	connection_mark_dirty(c);
	if (c->pcb != NULL && (c->client_gone || c->client_left) && ++c->linger > LINGER_POLLS) {
		detach_pcb(c);
		c->pcb = NULL;
		connection_destroy(c);
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	return ERR_OK;
}

// lwIP has freed the pcb: reset, timeout, or closed by both sides. What was received is still
// delivered.
static void pcb_error(void *arg, err_t err)
{
	struct connection *c = arg;

	c->pcb = NULL;
	if (!c->rx_end)
		c->aborted = err != ERR_CLSD;
	c->rx_end = true;
	push_rx(c);
	if (c->client_gone || c->client_left || c->rx_end_sent)
		connection_destroy(c);
	else
		source_want_messages(&c->channel, false);  // there is nobody to send to
}

// --- Callbacks of the channel ---

static void channel_message(struct loop *loop, struct source *source, struct message *m)
{
	struct connection *c = source->context;

	(void)loop;
	if (c->pcb == NULL || c->tx_end) {
		message_discard(m);
		return;
	}
	switch (m->type) {
	case MSG_DATA:
		if (!tx_send(c, m)) {
			message_discard(m);
			connection_abort(c);
			return;
		}
		tx_push(c);
		if (!list_is_empty(&c->chunks)) {
			const struct chunk *last =
				container_of(c->chunks.prev, struct chunk, entry);

			if (last->written < last->length)
				source_want_messages(&c->channel, false);
		}
		break;
	case MSG_END:
		message_discard(m);
		c->tx_end = true;
		tx_push(c);
		detach_if_over(c);
		connection_mark_dirty(c);
		break;
	default:  // MSG_ABORT: the peer sees a reset; or the client broke the protocol
		message_discard(m);
		connection_abort(c);
		break;
	}
}

static void channel_writable(struct loop *loop, struct source *source)
{
	struct connection *c = source->context;

	(void)loop;
	source_want_writable(source, false);
	push_rx(c);
	connection_mark_dirty(c);
}

// No more of it can be taken, for the peer does not take what was.
static void channel_hung_up(struct loop *loop, struct source *source)
{
	struct connection *c = source->context;

	(void)loop;
	c->client_left = true;
	if (c->pcb == NULL)
		connection_destroy(c);
}

static void channel_closed(struct loop *loop, struct source *source)
{
	struct connection *c = source->context;

	loop_close(loop, source);
	c->client_gone = true;
	c->tx_end = true;
	if (c->pcb == NULL) {
		connection_destroy(c);
		return;
	}
	drop_rx(c);
	tx_push(c);
	detach_if_over(c);
	if (is_finished(c))
		finish(c);
	else
		connection_mark_dirty(c);
}

static const struct source_ops channel_ops = {
	.message = channel_message,
	.writable = channel_writable,
	.closed = channel_closed,
	.hung_up = channel_hung_up,
};

void connections_flush(struct tcpip *tcpip)
{
	struct list *entry;

	while ((entry = list_pop_front(&tcpip->dirty)) != NULL) {
		struct connection *c = container_of(entry, struct connection, dirty);

		if (is_finished(c))
			finish(c);
		else if (c->pcb != NULL)
			tcp_output(c->pcb);
		else if (c->rx_end_sent)
			connection_destroy(c);
	}
}

error_t connection_create(struct tcpip *tcpip, struct tcp_pcb *pcb, handle_t *client_end)
{
	struct share_member *member = share_established(pcb);
	struct connection *c = heap_alloc(sizeof(*c));
	handle_t ends[2];
	error_t err = ERR_NO_MEMORY;

	if (c == NULL || member == NULL)
		goto out_free;
	err = channel_create(ends);
	if (err)
		goto out_free;
	c->tcpip = tcpip;
	c->pcb = pcb;
	c->member = member;
	list_init(&c->dirty);
	list_init(&c->chunks);
	err = loop_add(&tcpip->loop, &c->channel, ends[0], &channel_ops, c);
	if (err)
		goto out_close;
	tcp_arg(pcb, c);
	tcp_recv(pcb, pcb_recv);
	tcp_sent(pcb, pcb_sent);
	tcp_err(pcb, pcb_error);
	tcp_poll(pcb, pcb_poll, POLL_INTERVAL);
	ip_set_option(pcb, SOF_KEEPALIVE);
	pcb->keep_idle = KEEPALIVE_IDLE_MS;
	*client_end = ends[1];
	return 0;

out_close:
	handle_close(ends[0]);
	handle_close(ends[1]);
out_free:
	if (member != NULL)
		share_release(member);
	heap_free(c);
	return err;
}
