// SPDX-License-Identifier: MIT
//
// A TCP connection as a channel: MSG_DATA both ways, MSG_END for a half close, MSG_ABORT for a
// reset, closing the channel closes the connection.
//
// connection_rx.c has the half toward the client, connection_tx.c the one toward the network, and
// this file what both need: lwIP's callbacks and the channel's, from its making to its end.
#include "apps/tcpip/connection.h"

#include "apps/tcpip/connection_rx.h"
#include "apps/tcpip/connection_tx.h"
#include "libs/abi/tcpip.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// How long the peer of a connection whose client is gone may acknowledge nothing of what is still
// to be sent, in units of lwIP's poll.
#define LINGER_POLLS 60
#define POLL_INTERVAL 2  // half seconds
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
	else
		rx_receive(c, p);
	rx_push(c);
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

	rx_push(c);
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
	c->lost = err != ERR_CLSD;
	if (!c->rx_end)
		c->aborted = c->lost;
	c->rx_end = true;
	rx_push(c);
	if (c->client_gone || c->client_left || c->rx_end_sent)
		connection_destroy(c);
	else if (!c->has_window)
		source_want_messages(&c->channel, false);  // there is nobody to send to
}

// --- Callbacks of the channel ---

// How much the client takes, or that it waits for what it has sent.
static void take_word(struct connection *c, struct message *m)
{
	struct msg_window window;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_window(m, &window, &tail, &tail_len) == 0)
		rx_widen(c, window.messages);
	else if (m->num_handles == 1 && event_signal(m->handles[0], 1) < 0)
		log_debug("a client has sent something else than an event");
	message_discard(m);
	connection_mark_dirty(c);
}

static void channel_message(struct loop *loop, struct source *source, struct message *m)
{
	struct connection *c = source->context;

	(void)loop;
	// What the client says of itself counts also when there is nobody to send to.
	if (m->type == MSG_WINDOW || m->type == MSG_SYNC) {
		take_word(c, m);
		return;
	}
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
		if (tx_waits(c))
			source_want_messages(&c->channel, false);
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
	rx_push(c);
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
	rx_drop(c);
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
