// SPDX-License-Identifier: MIT
//
// UDP sockets: one message a datagram. Nothing waits: a datagram that the channel or the network
// has no room for is lost.
#include "apps/tcpip/datagrams.h"

#include "apps/tcpip/frame_pbuf.h"
#include "apps/tcpip/listen_address.h"
#include "libs/abi/tcpip.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "lwip/udp.h"

struct datagrams {
	struct tcpip *tcpip;
	struct source channel;
	struct udp_pcb *pcb;
	bool connected;
};

// --- Network to client ---

static void put_peer(struct msg_datagram *datagram, const ip_addr_t *addr, u16_t port)
{
	datagram->port = port;
	if (IP_IS_V6(addr)) {
		datagram->ip_version = 6;
		memcpy(datagram->address, ip_2_ip6(addr)->addr, 16);
	} else {
		datagram->ip_version = 4;
		memcpy(datagram->address, &ip_2_ip4(addr)->addr, 4);
	}
}

// A folio with a copy of the datagram. Errors: folio_create's.
static error_t copy_to_folio(const struct pbuf *p, handle_t *folio)
{
	void *base;
	error_t err = folio_create(p->tot_len, FOLIO_CONTIGUOUS, folio);

	if (err)
		return err;
	err = folio_map(*folio, PROT_READ | PROT_WRITE, &base);
	if (err)
		handle_close(*folio);
	else
		pbuf_copy_partial(p, base, p->tot_len, 0);
	return err;
}

// Inline, or with the folio that the frame came in, or with a copy of its pieces. `*lent`: the
// folio is the pbuf's own.
static error_t received_message(struct message *m, const struct pbuf *p,
                                struct msg_datagram *datagram, bool *lent)
{
	uint8_t bytes[DATAGRAM_INLINE_MAX];
	handle_t folio = HANDLE_NONE;
	error_t err = 0;

	*lent = false;
	datagram->length = p->tot_len;
	if (p->tot_len <= sizeof(bytes)) {
		pbuf_copy_partial(p, bytes, p->tot_len, 0);
		return message_encode_datagram(m, datagram, bytes, p->tot_len);
	}
	if (p->len == p->tot_len)
		folio = frame_pbuf_folio(p, &datagram->offset);
	*lent = folio != HANDLE_NONE;
	if (!*lent)
		err = copy_to_folio(p, &folio);
	if (!err)
		err = message_encode_datagram(m, datagram, NULL, 0);
	m->handles[0] = folio;
	m->num_handles = 1;
	return err;
}

static void pcb_received(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                         u16_t port)
{
	struct datagrams *socket = arg;
	struct msg_datagram datagram = { 0 };
	struct message m;
	bool lent;

	(void)pcb;
	put_peer(&datagram, addr, port);
	if (!received_message(&m, p, &datagram, &lent)) {
		if (channel_send(socket->channel.handle, &m) == 0) {
			if (lent)
				frame_pbuf_forget_folio(p);
		} else if (!lent) {
			message_discard(&m);
		}
	}
	pbuf_free(p);
}

// --- Client to network ---

static error_t get_peer(const struct msg_datagram *datagram, ip_addr_t *addr)
{
	uint32_t words[4];

	memcpy(words, datagram->address, sizeof(words));
	if (datagram->port == 0)
		return ERR_INVALID;
	if (datagram->ip_version == 4) {
		ip_addr_set_ip4_u32(addr, words[0]);
	} else if (datagram->ip_version == 6) {
		IP_ADDR6(addr, words[0], words[1], words[2], words[3]);
		ip6_addr_assign_zone(ip_2_ip6(addr), IP6_UNKNOWN, netif_default);
	} else {
		return ERR_INVALID;
	}
	return 0;
}

// The datagram as lwIP has it; the message's folio, if any, is the pbuf's. Errors: ERR_PROTOCOL,
// ERR_TOO_LARGE, ERR_NO_MEMORY.
static error_t sent_pbuf(struct message *m, struct msg_datagram *datagram, struct pbuf **out)
{
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_datagram(m, datagram, &tail, &tail_len))
		return ERR_PROTOCOL;
	if (m->num_handles == 1) {
		if (datagram->length > DATAGRAM_MAX)
			return ERR_TOO_LARGE;
		*out = frame_pbuf_make(m->handles[0], datagram->offset, datagram->length);
		m->num_handles = 0;
		return *out == NULL ? ERR_PROTOCOL : 0;
	}
	*out = pbuf_alloc(PBUF_TRANSPORT, (u16_t)tail_len, PBUF_RAM);
	if (*out == NULL)
		return ERR_NO_MEMORY;
	if (tail_len > 0)
		pbuf_take(*out, tail, (u16_t)tail_len);
	return 0;
}

static void channel_message(struct loop *loop, struct source *source, struct message *m)
{
	struct datagrams *socket = source->context;
	struct msg_datagram datagram;
	struct pbuf *p = NULL;
	ip_addr_t addr;
	error_t err = sent_pbuf(m, &datagram, &p);

	(void)loop;
	message_discard(m);
	if (!err && socket->connected)
		udp_send(socket->pcb, p);
	else if (!err && (err = get_peer(&datagram, &addr)) == 0)
		udp_sendto(socket->pcb, p, &addr, datagram.port);
	if (err)
		error_send(source->handle, 0, err, "not a datagram that can be sent");
	if (p != NULL)
		pbuf_free(p);
}

static void channel_closed(struct loop *loop, struct source *source)
{
	struct datagrams *socket = source->context;

	loop_close(loop, source);
	udp_remove(socket->pcb);
	heap_free(socket);
}

static const struct source_ops channel_ops = {
	.message = channel_message,
	.closed = channel_closed,
};

// --- Opening ---

// Consumes `pcb`, on errors too.
static error_t socket_create(struct tcpip *tcpip, struct udp_pcb *pcb, bool connected,
                             handle_t *client_end)
{
	struct datagrams *socket = heap_alloc(sizeof(*socket));
	handle_t ends[2];
	error_t err = ERR_NO_MEMORY;

	if (socket == NULL)
		goto out_remove;
	*socket = (struct datagrams){ .tcpip = tcpip, .pcb = pcb, .connected = connected };
	err = channel_create(ends);
	if (err)
		goto out_free;
	err = loop_add(&tcpip->loop, &socket->channel, ends[0], &channel_ops, socket);
	if (err)
		goto out_close;
	udp_recv(pcb, pcb_received, socket);
	*client_end = ends[1];
	return 0;

out_close:
	handle_close(ends[0]);
	handle_close(ends[1]);
out_free:
	heap_free(socket);
out_remove:
	udp_remove(pcb);
	return err;
}

error_t datagrams_connect(struct tcpip *tcpip, const ip_addr_t *addr, uint16_t port,
                          handle_t *client_end)
{
	struct udp_pcb *pcb = udp_new_ip_type(IP_GET_TYPE(addr));

	if (pcb == NULL)
		return ERR_NO_MEMORY;
	if (udp_connect(pcb, addr, port) != ERR_OK) {
		udp_remove(pcb);
		return ERR_IO;
	}
	return socket_create(tcpip, pcb, true, client_end);
}

error_t datagrams_listen(struct tcpip *tcpip, const struct socket_uri *uri, handle_t *client_end)
{
	struct udp_pcb *pcb;
	ip_addr_t addr;
	error_t err = listen_address(uri, &addr);

	if (err)
		return err;
	pcb = udp_new_ip_type(IP_GET_TYPE(&addr));
	if (pcb == NULL)
		return ERR_NO_MEMORY;
	err = listen_bound(udp_bind(pcb, &addr, uri->port));
	if (err) {
		udp_remove(pcb);
		return err;
	}
	return socket_create(tcpip, pcb, false, client_end);
}
