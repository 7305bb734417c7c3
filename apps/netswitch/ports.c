// SPDX-License-Identifier: MIT
//
// The service "ports": who is in which network, for the server of names. It hears of a port before
// any frame that the port sends afterwards could reach it.
#include "apps/netswitch/switch.h"
#include "libs/abi/networks.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// A client that does not take what it is told is let go: when it is back it is told all.
static void send(struct netswitch *sw, error_t err, struct message *m)
{
	if (err == 0)
		err = channel_send(sw->ports_client.handle, m);
	if (err == 0 || err == ERR_PEER_CLOSED)
		return;
	log_warn("the server of names does not hear of a port: %s", error_text(err));
	loop_close(&sw->loop, &sw->ports_client);
	sw->has_ports_client = false;
}

void ports_tell(const struct port *port, bool is_gone)
{
	struct msg_ports_port told = { .is_gone = is_gone ? 1 : 0 };
	struct message m;

	if (!port->sw->has_ports_client || !port->is_managed || !port->up)
		return;
	memcpy(told.address, port->identity.ipv4, sizeof(told.address));
	if (!is_gone) {
		told.reach = port->reach;
		for (size_t i = 0; i < port->num_networks; i++)
			told.networks[i] = port->networks[i].network;
	}
	send(port->sw, message_encode_ports_port(&m, &told, NULL, 0), &m);
}

void ports_tell_uplink(struct netswitch *sw)
{
	struct msg_ports_uplink told = { .network = sw->network };
	struct message m;

	if (sw->has_ports_client && sw->pool.known)
		send(sw, message_encode_ports_uplink(&m, &told, NULL, 0), &m);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	error_send(source->handle, 0, ERR_PROTOCOL, "ports takes no messages");
	message_discard(m);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct netswitch *sw = source->context;

	loop_close(loop, source);
	sw->has_ports_client = false;
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

void ports_accept(struct netswitch *sw, handle_t channel)
{
	if (sw->has_ports_client)
		loop_close(&sw->loop, &sw->ports_client);
	sw->has_ports_client = loop_add(&sw->loop, &sw->ports_client, channel, &client_ops, sw) ==
		0;
	if (!sw->has_ports_client) {
		handle_close(channel);
		return;
	}
	ports_tell_uplink(sw);
	list_for_each(entry, &sw->vm_ports)
		ports_tell(container_of(entry, struct port, entry), false);
}
