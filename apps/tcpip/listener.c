// SPDX-License-Identifier: MIT
#include "apps/tcpip/listener.h"

#include "apps/tcpip/connection.h"
#include "apps/tcpip/listen_address.h"
#include "apps/tcpip/share.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

struct listener {
	struct tcpip *tcpip;
	struct tcp_pcb *pcb;
	struct source channel;
};

static error_t announce(struct listener *listener, const struct tcp_pcb *pcb, handle_t connection)
{
	struct msg_connect connect = { .id = ++listener->tcpip->next_id };
	char peer[IPADDR_STRLEN_MAX + 16];
	const char *format = IP_IS_V6(&pcb->remote_ip) ? "tcp:[%s]:%u" : "tcp:%s:%u";
	struct message m;
	error_t err;

	fmt_write(peer, sizeof(peer), format, ipaddr_ntoa(&pcb->remote_ip), pcb->remote_port);
	err = message_encode_connect(&m, &connect, peer, strlen(peer));
	if (err)
		return err;
	m.handles[0] = connection;
	m.num_handles = 1;
	return channel_send(listener->channel.handle, &m);
}

// Anything but ERR_OK makes lwIP reset the connection: a listener that does not keep up refuses.
static err_t listener_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct listener *listener = arg;
	handle_t client_end;

	if (err != ERR_OK || pcb == NULL)
		return ERR_VAL;
	if (connection_create(listener->tcpip, pcb, &client_end))
		return ERR_MEM;
	if (announce(listener, pcb, client_end))
		handle_close(client_end);  // the connection sees its client gone, and closes
	return ERR_OK;
}

static void listener_closed(struct loop *loop, struct source *source)
{
	struct listener *listener = source->context;

	loop_close(loop, source);
	tcp_arg(listener->pcb, NULL);
	tcp_accept(listener->pcb, NULL);
	if (tcp_close(listener->pcb) != ERR_OK)
		tcp_abort(listener->pcb);
	heap_free(listener);
}

static void listener_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static const struct source_ops listener_ops = {
	.message = listener_message,
	.closed = listener_closed,
};

// Whether somebody listens there, at this address or at any. Connections do not count: those of a
// listener that has died are about to end.
static bool is_taken(const ip_addr_t *addr, uint16_t port)
{
	const struct tcp_pcb_listen *other = tcp_listen_pcbs.listen_pcbs;

	while (other != NULL &&
	       (other->local_port != port || IP_IS_V6(addr) != IP_IS_V6(&other->local_ip) ||
	        (!ip_addr_isany(addr) && !ip_addr_isany(&other->local_ip) &&
	         !ip_addr_cmp(addr, &other->local_ip))))
		other = other->next;
	return other != NULL;
}

static error_t listen_pcb(const struct socket_uri *uri, struct tcp_pcb **out)
{
	struct tcp_pcb *pcb;
	struct tcp_pcb *listening;
	ip_addr_t addr;
	error_t err = listen_address(uri, &addr);

	if (err)
		return err;
	if (is_taken(&addr, uri->port))
		return listen_bound(ERR_USE);
	pcb = tcp_new_ip_type(IP_GET_TYPE(&addr));
	if (pcb == NULL)
		return ERR_NO_MEMORY;
	ip_set_option(pcb, SOF_REUSEADDR);
	err = listen_bound(tcp_bind(pcb, &addr, uri->port));
	if (err) {
		tcp_abort(pcb);
		return err;
	}
	listening = tcp_listen(pcb);
	if (listening == NULL) {
		tcp_abort(pcb);
		return ERR_NO_MEMORY;
	}
	*out = listening;
	return 0;
}

error_t listener_create(struct tcpip *tcpip, const struct socket_uri *uri, handle_t *client_end)
{
	struct listener *listener = heap_alloc(sizeof(*listener));
	handle_t ends[2];
	error_t err;

	if (listener == NULL)
		return ERR_NO_MEMORY;
	listener->tcpip = tcpip;
	err = channel_create(ends);
	if (err)
		goto out_free;
	err = loop_add(&tcpip->loop, &listener->channel, ends[0], &listener_ops, listener);
	if (err)
		goto out_close;
	err = listen_pcb(uri, &listener->pcb);
	if (err)
		goto out_remove;
	share_listen(listener->pcb);
	tcp_arg(listener->pcb, listener);
	tcp_accept(listener->pcb, listener_accept);
	*client_end = ends[1];
	return 0;

out_remove:
	loop_remove(&tcpip->loop, &listener->channel);
out_close:
	handle_close(ends[0]);
	handle_close(ends[1]);
out_free:
	heap_free(listener);
	return err;
}
