// SPDX-License-Identifier: MIT
//
// GET network: what goes through the switch's ports. The switch tells it when it is asked: a
// request waits for that; the live view shows what is known, and asks for the next.
#include "apps/httpd/api/network.h"

#include "apps/httpd/api/api.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// A request that waits for the switch.
struct network_job {
	struct api_job job;
	struct list entry;
};

// --- What is told --------------------------------------------------------------------------------

static void address_write(struct json_writer *w, const char *name, const uint8_t a[4])
{
	static const uint8_t none[4];
	char text[16];

	if (memcmp(a, none, sizeof(none)) == 0) {
		write_null(w, name);
		return;
	}
	fmt_write(text, sizeof(text), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	write_text(w, name, text);
}

// `in` and `out` are as who is behind the port sees them.
static void counts_write(struct json_writer *w, const struct traffic_count *in,
                         const struct traffic_count *out)
{
	write_number(w, "rx_packets", in->frames);
	write_number(w, "rx_bytes", in->bytes);
	write_number(w, "tx_packets", out->frames);
	write_number(w, "tx_bytes", out->bytes);
}

static void interface_write(struct json_writer *w, const struct network_client *network)
{
	const struct traffic_port *uplink = &network->ports[0];

	write_open(w, NULL, "{");
	write_text(w, "name", "uplink");
	write_flag(w, "up", uplink->is_up != 0);
	address_write(w, "address", network->own.address);
	address_write(w, "gateway", network->own.gateway);
	counts_write(w, &uplink->from, &uplink->to);
	write_close(w, "}");
}

static void port_write(struct json_writer *w, const struct traffic_port *port)
{
	write_open(w, NULL, "{");
	write_text(w, "app", port->kind == TRAFFIC_OWN ? "tcpip" : port->app);
	write_flag(w, "up", port->is_up != 0);
	address_write(w, "address", port->address);
	counts_write(w, &port->to, &port->from);
	write_number(w, "refused", port->refused);
	write_number(w, "overflows", port->overflows);
	write_close(w, "}");
}

static void network_ask(struct httpd *httpd);

error_t network_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	const struct network_client *network = &httpd->network;

	network_ask(httpd);
	write_open(w, name, "{");
	write_number(w, "time_ns", network->time);
	write_open(w, "interfaces", "[");
	if (network->num_ports > 0)
		interface_write(w, network);
	write_close(w, "]");
	write_open(w, "ports", "[");
	for (size_t i = 1; i < network->num_ports; i++)
		port_write(w, &network->ports[i]);
	write_close(w, "]}");
	return 0;
}

// --- The switch ----------------------------------------------------------------------------------

static void jobs_answer(struct httpd *httpd, error_t error)
{
	struct list *entry;

	while ((entry = list_pop_front(&httpd->network.jobs)) != NULL) {
		struct network_job *job = container_of(entry, struct network_job, entry);
		struct http_exchange *exchange = job->job.exchange;
		struct http_connection *connection = http_hold(exchange);
		struct json_writer w = { 0 };

		list_init(&job->entry);
		if (error == 0)
			error = network_write(httpd, &w, NULL);
		if (error == 0)
			api_reply(exchange, 200, &w);
		else
			api_failed(exchange, error, "the network");
		http_let_go(connection);
	}
}

// Asks, unless an answer is awaited.
static void network_ask(struct httpd *httpd)
{
	struct network_client *network = &httpd->network;
	struct msg_traffic_get get = { 0 };
	struct message m;

	if (!network->client.connected || network->asked)
		return;
	network->asked = message_encode_traffic_get(&m, &get, NULL, 0) == 0 &&
		channel_send(network->client.source.handle, &m) == 0;
}

static void ports_take(struct network_client *network, const struct msg_traffic *traffic,
                       handle_t folio)
{
	struct payload payload;
	uint32_t count = traffic->count < NETWORK_MAX_PORTS ? traffic->count : NETWORK_MAX_PORTS;
	nsec_t now = 0;

	if (payload_open_folio(folio, 0, (uint32_t)(count * sizeof(network->ports[0])), &payload) !=
	    0)
		return;
	memcpy(network->ports, payload.bytes.data, payload.bytes.len);
	payload_release(&payload);
	// They come from another process.
	for (uint32_t i = 0; i < count; i++)
		network->ports[i].app[APP_NAME_MAX - 1] = '\0';
	network->num_ports = count;
	network->own = traffic->network;
	network->time = clock_get(CLOCK_MONOTONIC, &now) == 0 ? now : 0;
}

static void switch_message(struct loop *loop, struct source *source, struct message *m)
{
	struct httpd *httpd = source->context;
	struct msg_traffic traffic;
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_traffic(m, &traffic, &tail, &len) != 0 || m->num_handles != 1) {
		message_discard(m);
		jobs_answer(httpd, ERR_NOT_READY);
		httpd->network.asked = false;
		return;
	}
	ports_take(&httpd->network, &traffic, m->handles[0]);
	jobs_answer(httpd, 0);
	httpd->network.asked = false;
}

static void switch_closed(struct loop *loop, struct source *source)
{
	struct httpd *httpd = source->context;

	(void)loop;
	api_client_lost(&httpd->network.client);
	httpd->network.asked = false;
	jobs_answer(httpd, ERR_PEER_CLOSED);
	api_client_again(&httpd->network.client);
}

static const struct source_ops switch_ops = { .message = switch_message, .closed = switch_closed };

void network_client_start(struct httpd *httpd)
{
	list_init(&httpd->network.jobs);
	api_client_start(httpd, &httpd->network.client, "traffic", &switch_ops,
	                 "\"traffic\" cannot be waited for: the network is not shown");
}

// --- The route -----------------------------------------------------------------------------------

static void job_gone(struct api_job *job)
{
	list_remove(&container_of(job, struct network_job, job)->entry);
}

static const struct api_job_ops job_ops = { .gone = job_gone };

API_START(network_get)
{
	struct httpd *httpd = context;
	struct network_job *job;

	(void)head;
	(void)match;
	network_ask(httpd);
	if (!httpd->network.asked) {
		api_failed(exchange, ERR_NOT_READY, "the network");
		return;
	}
	job = api_job_create(httpd, exchange, sizeof(*job), &job_ops);
	if (job != NULL)
		list_push_back(&httpd->network.jobs, &job->entry);
}
