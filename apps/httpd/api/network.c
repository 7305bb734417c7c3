// SPDX-License-Identifier: MIT
//
// GET network: what goes through the switch's ports.
#include "apps/httpd/api/network.h"

#include "apps/httpd/api/api.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

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

static void interface_write(struct json_writer *w, const struct network *network)
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

error_t network_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	const struct network *network = &httpd->network;

	asked_refresh(&httpd->network.asked);
	write_open(w, name, "{");
	write_number(w, "time_ns", network->asked.time);
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

static error_t switch_ask(struct asked_document *document)
{
	struct msg_traffic_get get = { 0 };
	struct message m;
	error_t err = message_encode_traffic_get(&m, &get, NULL, 0);

	return err != 0 ? err : channel_send(document->client.source.handle, &m);
}

static bool switch_take(struct asked_document *document, struct message *m)
{
	struct network *network = container_of(document, struct network, asked);
	struct msg_traffic traffic;
	struct payload payload;
	const uint8_t *tail;
	uint32_t count;
	size_t len;

	if (message_decode_traffic(m, &traffic, &tail, &len) != 0 || m->num_handles != 1)
		return false;
	count = traffic.count < NETWORK_MAX_PORTS ? traffic.count : NETWORK_MAX_PORTS;
	if (payload_open_folio(m->handles[0], 0, (uint32_t)(count * sizeof(network->ports[0])),
	                       &payload) != 0) {
		m->num_handles = 0;  // it was consumed
		return false;
	}
	memcpy(network->ports, payload.bytes.data, payload.bytes.len);
	payload_release(&payload);
	// They come from another process.
	for (uint32_t i = 0; i < count; i++)
		network->ports[i].app[APP_NAME_MAX - 1] = '\0';
	network->num_ports = count;
	network->own = traffic.network;
	return true;
}

static const struct asked_ops network_ops = { .service = "traffic",
	                                      .what = "the network",
	                                      .ask = switch_ask,
	                                      .take = switch_take,
	                                      .write = network_write };

void network_start(struct httpd *httpd)
{
	asked_start(httpd, &httpd->network.asked, &network_ops,
	            "\"traffic\" cannot be waited for: the network is not shown");
}

API_START(network_get)
{
	struct httpd *httpd = context;

	(void)head;
	(void)match;
	asked_get(&httpd->network.asked, exchange);
}
