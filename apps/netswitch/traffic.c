// SPDX-License-Identifier: MIT
//
// The service "traffic": what has gone through the ports.
#include "libs/abi/traffic.h"

#include "apps/netswitch/switch.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// Others are turned away.
#define MAX_CLIENTS 16u

struct traffic_client {
	struct netswitch *sw;
	struct source source;
};

static void port_tell(const struct port *port, struct traffic_port *out)
{
	*out = (struct traffic_port){ .kind = TRAFFIC_UPLINK,
		                      .is_up = port->up ? 1 : 0,
		                      .from = port->from,
		                      .to = port->to,
		                      .overflows = port->overflows };
	if (port->kind == PORT_OWN) {
		out->kind = TRAFFIC_OWN;
		memcpy(out->address, port->sw->network.address, sizeof(out->address));
	}
	if (port->kind != PORT_VM)
		return;
	out->kind = TRAFFIC_VM;
	memcpy(out->address, port->identity.ipv4, sizeof(out->address));
	for (size_t i = 0; i < GUARD_VERDICTS; i++)
		out->refused += port->dropped[i];
	if (channel_maker(port->channel.handle, out->app) != 0)
		out->app[0] = '\0';
}

static void refuse(struct traffic_client *client, uint32_t id, error_t error)
{
	(void)error_send(client->source.handle, id, error, "the traffic cannot be told");
}

// A client that leaves no room in its channel gets no answer.
static void answer(struct traffic_client *client, uint32_t id)
{
	struct netswitch *sw = client->sw;
	struct msg_traffic said = { .id = id, .network = sw->network };
	struct traffic_port *ports = heap_alloc((2 + sw->num_vm_ports) * sizeof(*ports));
	struct message m;
	error_t err;

	if (ports == NULL) {
		refuse(client, id, ERR_NO_MEMORY);
		return;
	}
	port_tell(&sw->uplink, &ports[said.count++]);
	port_tell(&sw->own, &ports[said.count++]);
	list_for_each(entry, &sw->vm_ports) {
		port_tell(container_of(entry, struct port, entry), &ports[said.count++]);
	}
	err = message_encode_traffic(&m, &said, NULL, 0);
	if (err == 0)
		err = payload_copy(ports, said.count * sizeof(*ports), &m.handles[0]);
	if (err != 0) {
		refuse(client, id, err);
	} else {
		m.num_handles = 1;
		if (channel_send(client->source.handle, &m) != 0)
			message_discard(&m);
	}
	heap_free(ports);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct msg_traffic_get get;
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_traffic_get(m, &get, &tail, &len) == 0)
		answer(source->context, get.id);
	else
		(void)error_send(source->handle, 0, ERR_PROTOCOL,
		                 "traffic understands get requests only");
	message_discard(m);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct traffic_client *client = source->context;

	client->sw->num_traffic_clients--;
	loop_close(loop, source);
	heap_free(client);
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

void traffic_accept(struct netswitch *sw, handle_t channel)
{
	struct traffic_client *client =
		sw->num_traffic_clients < MAX_CLIENTS ? heap_alloc(sizeof(*client)) : NULL;

	if (client == NULL ||
	    loop_add(&sw->loop, &client->source, channel, &client_ops, client) != 0) {
		heap_free(client);
		handle_close(channel);
		return;
	}
	client->sw = sw;
	sw->num_traffic_clients++;
}
