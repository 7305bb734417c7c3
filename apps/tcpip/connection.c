// SPDX-License-Identifier: MIT
//
// A TCP connection as a channel: MSG_DATA both ways, MSG_END for a half close, closing the channel closes the connection.
//
// Toward the client: received pbufs wait in `rx` until the channel takes them, and the peer's window opens only for
// what the channel took. Toward the network: the client's payloads are referenced until they are acknowledged, and no
// message is taken from the channel while something of an earlier one is still unwritten.
#include "apps/tcpip/connection.h"

#include "apps/tcpip/frame_pbuf.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// How long a connection whose client is gone may take to send what it still has, in units of lwIP's poll.
#define LINGER_POLLS 60
#define POLL_INTERVAL 2 // half seconds
// What a received piece that waits may have at most to be copied to memory of its own size.
#define COMPACT_MAX 1024

// A run of sent bytes that await acknowledgment. With a payload they are referenced; without, lwIP has a copy.
struct chunk {
	struct list entry;
	struct payload payload;
	size_t length;
	size_t written;  // given to lwIP
	size_t acked;
};

struct connection {
	struct tcpip *tcpip;
	struct tcp_pcb *pcb;  // NULL once lwIP has freed it
	struct source channel;
	struct list dirty;
	struct pbuf *rx;
	bool rx_end;       // the peer will send no more
	bool rx_end_sent;  // ... and the client knows
	bool aborted;      // it ended with an error
	struct list chunks;
	bool tx_end;       // the client will send no more
	bool tx_shut;      // ... and the peer was told
	bool client_gone;
	unsigned linger;
};

static void connection_destroy(struct connection *c)
{
	struct list *entry;

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
	heap_free(c);
}

static void detach_pcb(struct connection *c)
{
	tcp_arg(c->pcb, NULL);
	tcp_recv(c->pcb, NULL);
	tcp_sent(c->pcb, NULL);
	tcp_err(c->pcb, NULL);
	tcp_poll(c->pcb, NULL, 0);
}

// Both directions have ended and all is acknowledged: the rest is lwIP's, which tells nobody when it frees a pcb in
// TIME_WAIT. To be called after whatever may have made it so.
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

// Makes a message of the first pbuf of `c->rx`: inline, or with the folio it lies in, or copied. Nothing is taken
// out of `c->rx`, so that a channel without room changes nothing.
static error_t rx_message(const struct connection *c, struct message *m)
{
	const struct pbuf *p = c->rx;
	struct msg_data data = {.length = p->len};
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
	struct pbuf *p = c->rx;
	u16_t len = p->len;
	uint32_t offset;

	if (m->num_handles == 1 && m->handles[0] == frame_pbuf_folio(p, &offset))
		frame_pbuf_forget_folio(p);
	c->rx = p->next;
	if (c->rx != NULL)
		pbuf_ref(c->rx);
	pbuf_free(p);
	if (c->pcb != NULL)
		tcp_recved(c->pcb, len);
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
	if (c->rx == NULL)
		return;
	if (c->pcb != NULL)
		tcp_recved(c->pcb, c->rx->tot_len);
	pbuf_free(c->rx);
	c->rx = NULL;
}

// Tells the client that no more comes: an orderly end, or an abort.
static void push_end(struct connection *c)
{
	struct msg_end end = {0};
	struct msg_abort abort = {.reason = ERR_IO};
	struct message m;
	error_t err;

	if (c->rx_end_sent)
		return;
	err = c->aborted ? message_encode_abort(&m, &abort, NULL, 0) : message_encode_end(&m, &end, NULL, 0);
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

		if (err && c->pcb != NULL)
			return; // out of memory: tried again at the next poll
		if (err) {
			c->aborted = true;
			drop_rx(c);
			break;
		}
		err = channel_send(c->channel.handle, &m);
		if (!err) {
			rx_sent(c, &m);
			continue;
		}
		rx_unsent(c, &m);
		if (err == ERR_PEER_CLOSED)
			drop_rx(c); // channel_closed follows
		else
			source_want_writable(&c->channel, true);
		return;
	}
	if (c->rx_end)
		push_end(c);
}

// --- Client to network ---

static void mark_dirty(struct connection *c)
{
	if (list_is_empty(&c->dirty))
		list_push_back(&c->tcpip->dirty, &c->dirty);
}

// Gives lwIP as much of the chunk as it takes. Returns whether all of it is written.
static bool write_chunk(struct connection *c, struct chunk *chunk)
{
	while (chunk->written < chunk->length) {
		size_t len = chunk->length - chunk->written;
		size_t room = tcp_sndbuf(c->pcb);

		if (len > room)
			len = room;
		if (len > 16 * TCP_MSS)
			len = 16 * TCP_MSS;
		if (len == 0 || tcp_write(c->pcb, chunk->payload.bytes.data + chunk->written, (u16_t)len,
		                          0) != ERR_OK)
			return false;
		chunk->written += len;
		mark_dirty(c);
	}
	return true;
}

static void shut_tx(struct connection *c)
{
	if (!c->tx_end || c->tx_shut || c->pcb == NULL)
		return;
	c->tx_shut = true;
	tcp_nagle_disable(c->pcb);
	if (tcp_shutdown(c->pcb, 0, 1) != ERR_OK)
		c->tx_shut = false; // out of memory: tried again at the next poll
}

// Writes what waits; asks for more messages when all is written.
static void push_tx(struct connection *c)
{
	bool all = true;

	if (c->pcb == NULL || c->tx_shut)
		return;
	list_for_each(entry, &c->chunks) {
		struct chunk *chunk = container_of(entry, struct chunk, entry);

		if (chunk->written < chunk->length && !write_chunk(c, chunk)) {
			all = false;
			break;
		}
	}
	if (!all)
		return;
	if (c->tx_end)
		shut_tx(c);
	else if (!c->client_gone)
		source_want_messages(&c->channel, tcp_sndbuf(c->pcb) > MSG_DATA_INLINE_MAX);
}

static struct chunk *chunk_add(struct connection *c, size_t length)
{
	struct chunk *chunk = heap_alloc(sizeof(*chunk));

	if (chunk == NULL)
		return NULL;
	chunk->length = length;
	list_push_back(&c->chunks, &chunk->entry);
	return chunk;
}

// Small data is copied by lwIP; it is accounted in the last chunk when that is of the same kind.
static bool send_copied(struct connection *c, struct span bytes)
{
	struct chunk *chunk = NULL;

	if (!list_is_empty(&c->chunks)) {
		struct chunk *last = container_of(c->chunks.prev, struct chunk, entry);

		if (last->payload.bytes.data == NULL)
			chunk = last;
	}
	if (chunk == NULL)
		chunk = chunk_add(c, 0);
	if (chunk == NULL || bytes.len > tcp_sndbuf(c->pcb) ||
	    tcp_write(c->pcb, bytes.data, (u16_t)bytes.len, TCP_WRITE_FLAG_COPY) != ERR_OK)
		return false;
	chunk->length += bytes.len;
	chunk->written += bytes.len;
	mark_dirty(c);
	return true;
}

// Data that lwIP had no room to copy waits in memory of ours.
static bool send_later(struct connection *c, struct span bytes)
{
	struct message m;
	struct payload payload;
	struct chunk *chunk;
	handle_t folio;
	void *copy;

	if (folio_create(bytes.len, FOLIO_CONTIGUOUS, &folio))
		return false;
	message_init(&m, MSG_DATA);
	if (folio_map(folio, PROT_READ | PROT_WRITE, &copy)) {
		handle_close(folio);
		return false;
	}
	memcpy(copy, bytes.data, bytes.len);
	if (payload_open_folio(folio, 0, (uint32_t)bytes.len, &payload))
		return false;
	chunk = chunk_add(c, bytes.len);
	if (chunk == NULL) {
		payload_release(&payload);
		return false;
	}
	chunk->payload = payload;
	return true;
}

static bool send_data(struct connection *c, struct message *m)
{
	struct payload payload;
	struct chunk *chunk;

	if (payload_open(m, &payload))
		return false;
	if (payload.bytes.len == 0) {
		payload_release(&payload);
		return true;
	}
	if (payload.folio == HANDLE_NONE)
		return send_copied(c, payload.bytes) || send_later(c, payload.bytes);
	chunk = chunk_add(c, payload.bytes.len);
	if (chunk == NULL) {
		payload_release(&payload);
		return false;
	}
	chunk->payload = payload;
	return true;
}

// --- Callbacks of lwIP ---

// Small pieces that have to wait must not hold a page each.
static struct pbuf *compact(struct pbuf *p)
{
	struct pbuf *copy;

	if (p->tot_len > COMPACT_MAX)
		return p;
	copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	if (copy == NULL)
		return p;
	pbuf_free(p);
	return copy;
}

static err_t pcb_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct connection *c = arg;

	(void)pcb;
	if (err != ERR_OK) {
		if (p != NULL)
			pbuf_free(p);
		return ERR_OK;
	}
	if (p == NULL)
		c->rx_end = true;
	else if (c->rx == NULL)
		c->rx = p;
	else
		pbuf_cat(c->rx, compact(p));
	push_rx(c);
	detach_if_over(c);
	mark_dirty(c);
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
	size_t acked = len;

	(void)pcb;
	while (acked > 0 && !list_is_empty(&c->chunks)) {
		struct chunk *chunk = container_of(c->chunks.next, struct chunk, entry);
		size_t n = chunk->written - chunk->acked;

		if (n > acked)
			n = acked;
		chunk->acked += n;
		acked -= n;
		if (chunk->acked < chunk->length)
			break;
		list_remove(&chunk->entry);
		payload_release(&chunk->payload);
		heap_free(chunk);
	}
	push_tx(c);
	detach_if_over(c);
	mark_dirty(c);
	return ERR_OK;
}

// Twice a second times POLL_INTERVAL: what lacked memory is tried again, and a client-less connection ends some time.
static err_t pcb_poll(void *arg, struct tcp_pcb *pcb)
{
	struct connection *c = arg;

	push_rx(c);
	push_tx(c);
	shut_tx(c);
	detach_if_over(c);
	mark_dirty(c);
	if (c->pcb != NULL && c->client_gone && ++c->linger > LINGER_POLLS) {
		detach_pcb(c);
		c->pcb = NULL;
		connection_destroy(c);
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	return ERR_OK;
}

// lwIP has freed the pcb: reset, timeout, or closed by both sides. What was received is still delivered.
static void pcb_error(void *arg, err_t err)
{
	struct connection *c = arg;

	c->pcb = NULL;
	c->rx_end = true;
	c->aborted = err != ERR_CLSD;
	push_rx(c);
	if (c->client_gone || c->rx_end_sent)
		connection_destroy(c);
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
		if (!send_data(c, m)) {
			message_discard(m);
			connection_abort(c);
			return;
		}
		push_tx(c);
		if (!list_is_empty(&c->chunks)) {
			const struct chunk *last = container_of(c->chunks.prev, struct chunk, entry);

			if (last->written < last->length)
				source_want_messages(&c->channel, false);
		}
		break;
	case MSG_END:
		message_discard(m);
		c->tx_end = true;
		push_tx(c);
		detach_if_over(c);
		mark_dirty(c);
		break;
	default: // the client broke the protocol
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
	mark_dirty(c);
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
	push_tx(c);
	detach_if_over(c);
	if (is_finished(c))
		finish(c);
	else
		mark_dirty(c);
}

static const struct source_ops channel_ops = {
	.message = channel_message,
	.writable = channel_writable,
	.closed = channel_closed,
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
	struct connection *c = heap_alloc(sizeof(*c));
	handle_t ends[2];
	error_t err;

	if (c == NULL)
		return ERR_NO_MEMORY;
	err = channel_create(ends);
	if (err)
		goto out_free;
	c->tcpip = tcpip;
	c->pcb = pcb;
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
	*client_end = ends[1];
	return 0;

out_close:
	handle_close(ends[0]);
	handle_close(ends[1]);
out_free:
	heap_free(c);
	return err;
}
