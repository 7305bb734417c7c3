// SPDX-License-Identifier: MIT
//
// Names of containers, for containers that share a network with them; all other names are asked of
// the server beyond the uplink. Whoever asks is known by the address that the switch gave it, in
// whose name nobody else can speak. Everything is told again when somebody dies, this app included.
#include "apps/dns/forward.h"
#include "apps/dns/names.h"
#include "libs/abi/app.h"
#include "libs/abi/tcpip.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define DNS_PORT 53u
// What a datagram of one frame has room for.
#define RESPONSE_MAX 1472u
// After an open that failed.
#define RETRY_DELAY NSEC_PER_SEC

struct dns {
	const struct environ *env;
	struct loop loop;
	struct names names;
	struct forwarding forwarding;

	// The switch.
	struct service_client ports_client;
	struct source ports;
	uint8_t server[4];  // beyond the uplink; all zero: none

	// `containers`
	struct service_listener names_listener;
	struct source names_source;
	bool has_names_source;

	// Sockets: who asks us, and whom we ask. Opened when there is somebody.
	struct opener socket_opener;
	struct source socket;
	bool has_socket;
	bool opens_socket;
	struct opener server_opener;
	struct source server_socket;
	bool has_server;
	bool opens_server;
	handle_t retry_timer;
	struct source retry;
	bool has_failed;  // and that was said
};

static struct dns state;

// --- Answers -------------------------------------------------------------------------------------

static void send_datagram(const struct source *source, const uint8_t address[4], uint16_t port,
                          const uint8_t *bytes, size_t len)
{
	struct msg_datagram datagram = { .length = (uint32_t)len, .port = port, .ip_version = 4 };
	bool is_inline = len <= DATAGRAM_INLINE_MAX;
	struct message m;
	error_t err;

	memcpy(datagram.address, address, 4);
	err = message_encode_datagram(&m, &datagram, bytes, is_inline ? len : 0);
	if (err == 0 && !is_inline) {
		err = payload_copy(bytes, len, &m.handles[0]);
		m.num_handles = err == 0 ? 1 : 0;
	}
	// As on any network it may be lost: who asks asks again.
	if (err == 0 && channel_send(source->handle, &m) < 0)
		message_discard(&m);
}

struct asker {
	const struct names_port *port;
	uint16_t udp_port;
};

static void answer(struct dns *dns, const struct asker *asker, const uint8_t *bytes, size_t len)
{
	send_datagram(&dns->socket, asker->port->address, asker->udp_port, bytes, len);
}

static void pass_on(struct dns *dns, const struct asker *asker, struct span bytes,
                    const struct dns_query *query)
{
	uint8_t copy[RESPONSE_MAX], out[DNS_ANSWER_BYTES];
	const struct forwarded *kept;
	uint16_t random = 0;

	if (!dns->has_server || (asker->port->reach & NETDEV_REACH_UPLINK) == 0 ||
	    bytes.len > sizeof(copy) || random_get(&random, sizeof(random)) < 0) {
		answer(dns, asker, out, dns_write_error(bytes, query, DNS_SERVER_FAILURE, out));
		return;
	}
	kept = forward_add(&dns->forwarding, bytes, query, asker->port->address, asker->udp_port,
	                   random);
	memcpy(copy, bytes.data, bytes.len);
	copy[0] = (uint8_t)(kept->id >> 8);
	copy[1] = (uint8_t)kept->id;
	send_datagram(&dns->server_socket, dns->server, DNS_PORT, copy, bytes.len);
}

static void handle_query(struct dns *dns, const struct asker *asker, struct span bytes)
{
	uint8_t found[DNS_ANSWERS_MAX][4], address[4], out[DNS_ANSWER_BYTES];
	char name[NAMES_MAX + 1];
	struct dns_query query;
	enum dns_rcode rcode;
	size_t count;

	if (!dns_read_query(bytes, &query, &rcode))
		return;
	if (rcode != DNS_NO_ERROR) {
		answer(dns, asker, out, dns_write_error(bytes, &query, rcode, out));
		return;
	}
	count = dns_is_of_hosts(&query)
		? names_find(&dns->names, asker->port, query.name, found, DNS_ANSWERS_MAX)
		: 0;
	// A name that there is has no addresses of another kind.
	if (count > 0 && (query.type == DNS_A || query.type == DNS_ANY))
		answer(dns, asker, out, dns_write_addresses(bytes, &query, found, count, out));
	else if (count > 0)
		answer(dns, asker, out, dns_write_error(bytes, &query, DNS_NO_ERROR, out));
	else if (dns_is_of_hosts(&query) && query.type == DNS_PTR &&
	         dns_reverse_address(&query, address) &&
	         names_find_address(&dns->names, asker->port, address, name))
		answer(dns, asker, out, dns_write_name(bytes, &query, name, out));
	else
		pass_on(dns, asker, bytes, &query);
}

static void handle_response(struct dns *dns, struct span bytes)
{
	uint8_t copy[RESPONSE_MAX];
	struct forwarded query;

	if (!forward_take(&dns->forwarding, bytes, &query))
		return;
	if (bytes.len > sizeof(copy)) {
		struct dns_query asked = { .id = query.client_id,
			                   .question_len = query.question_len };
		uint8_t out[DNS_ANSWER_BYTES];

		send_datagram(&dns->socket, query.address, query.port, out,
		              dns_write_truncated(bytes, &asked, out));
		return;
	}
	memcpy(copy, bytes.data, bytes.len);
	copy[0] = (uint8_t)(query.client_id >> 8);
	copy[1] = (uint8_t)query.client_id;
	send_datagram(&dns->socket, query.address, query.port, copy, bytes.len);
}

// --- Sockets -------------------------------------------------------------------------------------

// The bytes of a datagram, which are the payload's or the message's. Returns false for what is
// none.
static bool open_datagram(struct message *m, struct msg_datagram *datagram, struct payload *payload)
{
	const uint8_t *tail;
	size_t len;

	*payload = (struct payload){ .folio = HANDLE_NONE };
	if (message_decode_datagram(m, datagram, &tail, &len) < 0) {
		message_discard(m);
		return false;
	}
	if (m->num_handles == 1)
		return payload_open_folio(m->handles[0], datagram->offset, datagram->length,
		                          payload) == 0;
	payload->bytes = (struct span){ .data = tail, .len = len };
	return true;
}

static void socket_message(struct loop *loop, struct source *source, struct message *m)
{
	struct dns *dns = source->context;
	struct msg_datagram datagram;
	struct payload payload;
	struct asker asker;

	(void)loop;
	if (!open_datagram(m, &datagram, &payload))
		return;
	asker.port = datagram.ip_version == 4 ? names_find_port(&dns->names, datagram.address)
					      : NULL;
	asker.udp_port = datagram.port;
	if (asker.port != NULL)
		handle_query(dns, &asker, payload.bytes);
	if (payload.folio != HANDLE_NONE)
		payload_release(&payload);
}

static void open_socket(struct dns *dns);
static void open_server(struct dns *dns);

// There may be no room just now, or no network.
static void open_failed(struct dns *dns, const struct opener *opener, error_t error,
                        const char *text)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (!dns->has_failed)
		log_error("%s: %s (%s); tried again every second", opener->uri, text,
		          error_text(error));
	dns->has_failed = true;
	if (err == 0)
		err = timer_set(dns->retry_timer, now + RETRY_DELAY);
	assert(err == 0);
}

static void retry_signalled(struct loop *loop, struct source *source)
{
	struct dns *dns = source->context;
	error_t err = timer_set(dns->retry_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	open_socket(dns);
	open_server(dns);
}

static const struct source_ops retry_ops = { .signalled = retry_signalled };

// tcpip restarts.
static void socket_closed(struct loop *loop, struct source *source)
{
	struct dns *dns = source->context;

	loop_close(loop, source);
	dns->has_socket = false;
	open_socket(dns);
}

static const struct source_ops socket_ops = { .message = socket_message, .closed = socket_closed };

static void socket_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct dns *dns = opener->context;

	dns->opens_socket = false;
	if (channel == HANDLE_NONE) {
		open_failed(dns, opener, error, text);
		return;
	}
	error = loop_add(&dns->loop, &dns->socket, channel, &socket_ops, dns);
	assert(error == 0);
	dns->has_socket = true;
	dns->has_failed = false;
}

static void open_socket(struct dns *dns)
{
	if (dns->has_socket || dns->opens_socket)
		return;
	dns->opens_socket = true;
	opener_start(&dns->socket_opener, &dns->loop, environ_connector(dns->env, "tcpip"),
	             "udp-listen:0.0.0.0:53", socket_opened, dns);
}

static void server_message(struct loop *loop, struct source *source, struct message *m)
{
	struct dns *dns = source->context;
	struct msg_datagram datagram;
	struct payload payload;

	(void)loop;
	if (!open_datagram(m, &datagram, &payload))
		return;
	if (dns->has_socket)
		handle_response(dns, payload.bytes);
	if (payload.folio != HANDLE_NONE)
		payload_release(&payload);
}

static void server_closed(struct loop *loop, struct source *source)
{
	struct dns *dns = source->context;

	loop_close(loop, source);
	dns->has_server = false;
	open_server(dns);
}

static const struct source_ops server_ops = { .message = server_message, .closed = server_closed };

static void server_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct dns *dns = opener->context;

	dns->opens_server = false;
	if (channel == HANDLE_NONE) {
		open_failed(dns, opener, error, text);
		return;
	}
	error = loop_add(&dns->loop, &dns->server_socket, channel, &server_ops, dns);
	assert(error == 0);
	dns->has_server = true;
	dns->has_failed = false;
}

static void open_server(struct dns *dns)
{
	static const uint8_t none[4];
	const uint8_t *a = dns->server;
	char uri[OPENER_URI_MAX];

	if (dns->has_server || dns->opens_server || memcmp(a, none, sizeof(none)) == 0)
		return;
	dns->opens_server = true;
	fmt_write(uri, sizeof(uri), "udp:%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], DNS_PORT);
	opener_start(&dns->server_opener, &dns->loop, environ_connector(dns->env, "tcpip"), uri,
	             server_opened, dns);
}

static void set_server(struct dns *dns, const uint8_t address[4])
{
	if (memcmp(dns->server, address, sizeof(dns->server)) == 0)
		return;
	memcpy(dns->server, address, sizeof(dns->server));
	opener_stop(&dns->server_opener);
	dns->opens_server = false;
	if (dns->has_server)
		loop_close(&dns->loop, &dns->server_socket);
	dns->has_server = false;
}

// --- The switch ----------------------------------------------------------------------------------

static void ports_message(struct loop *loop, struct source *source, struct message *m)
{
	struct dns *dns = source->context;
	struct msg_ports_uplink uplink;
	struct msg_ports_port port;
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_ports_uplink(m, &uplink, &tail, &len) == 0) {
		set_server(dns, uplink.network.dns[0]);
		if (dns->has_socket || dns->opens_socket)
			open_server(dns);
	} else if (message_decode_ports_port(m, &port, &tail, &len) == 0) {
		names_set_port(&dns->names, &port);
		open_socket(dns);
		open_server(dns);
	} else {
		message_discard(m);
	}
}

static void ports_closed(struct loop *loop, struct source *source)
{
	struct dns *dns = source->context;
	error_t err;

	loop_close(loop, source);
	err = service_client_again(&dns->ports_client);
	assert(err == 0);
}

static const struct source_ops ports_ops = { .message = ports_message, .closed = ports_closed };

static void ports_connected(void *context, handle_t channel)
{
	struct dns *dns = context;
	error_t err = loop_add(&dns->loop, &dns->ports, channel, &ports_ops, dns);

	assert(err == 0);
	names_forget_ports(&dns->names);
}

// --- `containers` --------------------------------------------------------------------------------

static void take_table(struct dns *dns, struct message *m)
{
	struct msg_names_table table;
	struct payload payload = { .folio = HANDLE_NONE };
	const uint8_t *tail;
	size_t len;
	error_t err = message_decode_names_table(m, &table, &tail, &len);

	if (err < 0 || (table.length > 0) != (m->num_handles == 1)) {
		message_discard(m);
		return;
	}
	if (table.length > 0)
		err = payload_open_folio(m->handles[0], 0, table.length, &payload);
	if (err == 0)
		err = names_set_table(&dns->names, payload.bytes);
	if (err < 0)
		log_error("the names of containers stay as they were: %s", error_text(err));
	if (payload.folio != HANDLE_NONE)
		payload_release(&payload);
}

static void names_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	take_table(source->context, m);
}

// Names stay: containers run on.
static void names_closed(struct loop *loop, struct source *source)
{
	struct dns *dns = source->context;

	loop_close(loop, source);
	dns->has_names_source = false;
}

static const struct source_ops names_ops = { .message = names_message, .closed = names_closed };

static void names_accepted(void *context, handle_t channel)
{
	struct dns *dns = context;

	// The next life of the one before.
	if (dns->has_names_source)
		loop_close(&dns->loop, &dns->names_source);
	dns->has_names_source =
		loop_add(&dns->loop, &dns->names_source, channel, &names_ops, dns) == 0;
	if (!dns->has_names_source)
		handle_close(channel);
}

static void dns_main(const struct environ *env)
{
	struct dns *dns = &state;
	error_t err;

	dns->env = env;
	err = loop_init(&dns->loop);
	if (err == 0)
		err = timer_create(&dns->retry_timer);
	if (err == 0)
		err = loop_add(&dns->loop, &dns->retry, dns->retry_timer, &retry_ops, dns);
	if (err == 0)
		err = service_listen(&dns->loop, &dns->names_listener,
		                     environ_service(env, "names"), names_accepted, dns);
	if (err == 0)
		err = service_client_start(&dns->loop, &dns->ports_client,
		                           environ_connector(env, "ports"), ports_connected, dns);
	assert(err == 0);
	loop_run(&dns->loop);
}

APP(dns, .main = dns_main, .restart = RESTART_ALWAYS, .memory_limit = 4ul * 1024 * 1024,
    .handle_limit = 512,
    .needs = {
	    { NEED_SERVICE, "ports", NULL, 0 },
	    { NEED_SERVICE, "tcpip", NULL, 0 },
    },
    .provides = { "names" });
