// SPDX-License-Identifier: MIT
//
// Clients of the service: each connection to it is a channel that takes MSG_OPEN. What an open
// makes (a listener, a connection) has a channel of its own and lives as long as that, whatever
// becomes of the client's.
#include "apps/tcpip/connection.h"
#include "apps/tcpip/datagrams.h"
#include "apps/tcpip/listener.h"
#include "apps/tcpip/share.h"
#include "apps/tcpip/uri.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "lwip/dns.h"
#include "lwip/tcp.h"

struct client {
	struct tcpip *tcpip;
	struct source channel;
	bool gone;
	unsigned pending;  // opens that wait for the network: they point to the client
};

// A socket whose peer's name is looked up, or whose connection is not established yet.
struct pending_open {
	struct client *client;
	uint32_t id;
	uint16_t port;
	bool udp;
};

static void client_free_when_done(struct client *client)
{
	if (client->gone && client->pending == 0)
		heap_free(client);
}

// A reply that finds the channel full is dropped: a client that opens without reading replies has
// only itself to blame.
static void reply_error(struct client *client, uint32_t id, error_t error, const char *text)
{
	if (!client->gone && error_send(client->channel.handle, id, error, text))
		log_warn("a client does not read its replies");
}

// Consumes `handle`.
static void reply_open(struct client *client, uint32_t id, handle_t handle)
{
	if (client->gone || open_reply_send(client->channel.handle, id, handle))
		handle_close(handle);
}

// --- Outgoing connections ---

static void pending_done(struct pending_open *open)
{
	struct client *client = open->client;

	client->pending--;
	heap_free(open);
	client_free_when_done(client);
}

static void pending_failed(struct pending_open *open, error_t error, const char *text)
{
	reply_error(open->client, open->id, error, text);
	pending_done(open);
}

static err_t pcb_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct pending_open *open = arg;
	handle_t client_end;
	error_t error;

	(void)err;  // always ERR_OK, says lwIP
	error = connection_create(open->client->tcpip, pcb, &client_end);
	if (error) {
		tcp_err(pcb, NULL);
		pending_failed(open, error, "out of memory");
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	reply_open(open->client, open->id, client_end);
	pending_done(open);
	return ERR_OK;
}

static void pcb_connect_failed(void *arg, err_t err)
{
	pending_failed(arg, err == ERR_RST ? ERR_REFUSED : ERR_TIMED_OUT,
	               err == ERR_RST ? "connection refused" : "connection failed");
}

static void start_connect(struct pending_open *open, const ip_addr_t *addr)
{
	struct tcp_pcb *pcb = share_connect(IP_GET_TYPE(addr));

	if (pcb == NULL) {
		pending_failed(open, ERR_NO_MEMORY, "too many connections");
		return;
	}
	tcp_arg(pcb, open);
	tcp_err(pcb, pcb_connect_failed);
	if (tcp_connect(pcb, addr, open->port, pcb_connected) != ERR_OK) {
		tcp_err(pcb, NULL);
		tcp_abort(pcb);
		pending_failed(open, ERR_IO, "no route");
	}
}

static void start_datagrams(struct pending_open *open, const ip_addr_t *addr)
{
	handle_t client_end;
	error_t err = datagrams_connect(open->client->tcpip, addr, open->port, &client_end);

	if (err) {
		pending_failed(open, err, err == ERR_IO ? "no route" : "too many sockets");
		return;
	}
	reply_open(open->client, open->id, client_end);
	pending_done(open);
}

static void start(struct pending_open *open, const ip_addr_t *addr)
{
	if (open->udp)
		start_datagrams(open, addr);
	else
		start_connect(open, addr);
}

static void name_found(const char *name, const ip_addr_t *addr, void *arg)
{
	(void)name;
	if (addr == NULL)
		pending_failed(arg, ERR_NOT_FOUND, "no such host");
	else
		start(arg, addr);
}

// This name is nobody else's (RFC 6761, 6.3).
static bool is_localhost(const char *name, ip_addr_t *addr)
{
	if (strcmp(name, "localhost") != 0)
		return false;
	ip_addr_set_loopback(0, addr);
	return true;
}

static void open_connection(struct client *client, uint32_t id, const struct socket_uri *uri)
{
	struct pending_open *open = heap_alloc(sizeof(*open));
	ip_addr_t addr;

	if (open == NULL) {
		reply_error(client, id, ERR_NO_MEMORY, "out of memory");
		return;
	}
	open->client = client;
	open->id = id;
	open->port = uri->port;
	open->udp = uri->udp;
	client->pending++;
	if (is_localhost(uri->host, &addr)) {
		start(open, &addr);
		return;
	}
	switch (dns_gethostbyname(uri->host, &addr, name_found, open)) {
	case ERR_OK: start(open, &addr); break;
	case ERR_INPROGRESS: break;
	default: pending_failed(open, ERR_NOT_FOUND, "the name cannot be looked up"); break;
	}
}

// --- Messages ---

static void open_listener(struct client *client, uint32_t id, const struct socket_uri *uri)
{
	handle_t handle;
	error_t err = uri->udp ? datagrams_listen(client->tcpip, uri, &handle)
			       : listener_create(client->tcpip, uri, &handle);

	if (err == ERR_EXISTS)
		reply_error(client, id, err, "the port is in use");
	else if (err == ERR_INVALID)
		reply_error(client, id, err, "not an address to listen on");
	else if (err)
		reply_error(client, id, err, "cannot listen");
	else
		reply_open(client, id, handle);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;
	struct msg_open open;
	struct socket_uri uri;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_open(m, &open, &tail, &tail_len)) {
		message_discard(m);
		reply_error(client, 0, ERR_PROTOCOL, "tcpip takes MSG_OPEN");
		return;
	}
	if (socket_uri_parse((struct span){ .data = tail, .len = tail_len }, &uri))
		reply_error(client, open.id, ERR_INVALID,
		            "not tcp:HOST:PORT or tcp-listen:ADDRESS:PORT, nor the same with udp");
	else if (uri.listen)
		open_listener(client, open.id, &uri);
	else
		open_connection(client, open.id, &uri);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	loop_close(loop, source);
	client->gone = true;
	client_free_when_done(client);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.closed = client_closed,
};

static void client_accepted(void *context, handle_t channel)
{
	struct tcpip *tcpip = context;
	struct client *client = heap_alloc(sizeof(*client));

	if (client == NULL) {
		handle_close(channel);
		return;
	}
	client->tcpip = tcpip;
	if (loop_add(&tcpip->loop, &client->channel, channel, &client_ops, client)) {
		handle_close(channel);
		heap_free(client);
	}
}

error_t clients_init(struct tcpip *tcpip)
{
	return service_listen(&tcpip->loop, &tcpip->service, environ_service(tcpip->env, "tcpip"),
	                      client_accepted, tcpip);
}
