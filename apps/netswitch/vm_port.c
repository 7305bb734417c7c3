// SPDX-License-Identifier: MIT
//
// Virtual machines: a port is asked for (MSG_NETDEV_JOIN), gets addresses as soon as the network is
// known, and gives them back when its channel closes.
#include "apps/netswitch/switch.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define TAKEN_FEATURES (NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)
// How long a virtual machine waits for the network: longer than DHCP is given.
#define JOIN_WAIT (20 * NSEC_PER_SEC)

// The error's text goes to the VMM, which tells its user.
static void refuse(struct port *port, error_t error, const char *text)
{
	port->joined = false;
	error_send(port->channel.handle, 0, error, text);
}

// Tells the port who it is. Errors: message_encode_netdev_port's, channel_send's.
static error_t announce(struct port *port)
{
	const struct netswitch *sw = port->sw;
	struct msg_netdev_port answer = { .mtu = sw->info.mtu,
		                          .features = TAKEN_FEATURES,
		                          .network = sw->network };
	struct message m;
	error_t err;

	memcpy(answer.mac, port->mac, sizeof(answer.mac));
	memcpy(answer.network.address, port->identity.ipv4, sizeof(answer.network.address));
	if (port->is_managed) {
		memset(answer.network.dns, 0, sizeof(answer.network.dns));
		memcpy(answer.network.dns[0], sw->network.address, sizeof(answer.network.dns[0]));
	}
	err = message_encode_netdev_port(&m, &answer, NULL, 0);
	return err != 0 ? err : channel_send(port->channel.handle, &m);
}

// What the port takes: segmentation only with checksums, which each segment lacks.
static void set_features(struct port *port, uint32_t features)
{
	port->features = (features & NETDEV_FEATURE_TX_CSUM) != 0 ? features & TAKEN_FEATURES : 0;
}

static void admit(struct port *port)
{
	struct netswitch *sw = port->sw;
	const uint8_t *ip = port->identity.ipv4;
	error_t err = pool_take(&sw->pool, port->join.address, port->identity.ipv4);

	if (err == ERR_RANGE)
		refuse(port, err, "the address is not one of netswitch.pool");
	else if (err == ERR_EXISTS)
		refuse(port, err, "the address is in use");
	else if (err != 0)
		refuse(port, err,
		       "no address of netswitch.pool is free, or it lies outside of the network");
	if (err != 0)
		return;
	networks_name(port);
	set_features(port, port->join.features);
	if (announce(port) != 0) {
		pool_give_back(&sw->pool, port->identity.ipv4);
		port->joined = false;
		return;  // it does not read what it asked for
	}
	port->up = true;
	log_info("port %u.%u.%u.%u: up", ip[0], ip[1], ip[2], ip[3]);
	networks_announce(port);
	ports_tell(port, false);
}

nsec_t vm_ports_answer(struct netswitch *sw, nsec_t now)
{
	nsec_t next = NSEC_NEVER;

	list_for_each(entry, &sw->vm_ports) {
		struct port *port = container_of(entry, struct port, entry);

		if (!port->joined || port->up)
			continue;
		if (sw->pool.known && sw->has_info)
			admit(port);
		else if (now >= port->join_deadline)
			refuse(port, ERR_NOT_READY,
			       "the network is not up: there is no address yet");
		else if (port->join_deadline < next)
			next = port->join_deadline;
	}
	return next;
}

void network_changed(struct netswitch *sw, const struct netdev_network *network)
{
	if (!pool_network_is_valid(network)) {
		sw->pool.known = false;
		return;
	}
	sw->network = *network;
	memcpy(sw->closed.subnet, network->address, sizeof(sw->closed.subnet));
	sw->closed.prefix_len = network->prefix_len;
	pool_set_network(&sw->pool, network);
	ports_tell_uplink(sw);
	list_for_each(entry, &sw->vm_ports) {
		struct port *port = container_of(entry, struct port, entry);

		if (port->up && !pool_mark(&sw->pool, port->identity.ipv4))
			log_warn(
				"the network has changed: a virtual machine keeps its address of the old one until it restarts");
	}
}

// --- The port's channel ---

static void take_join(struct port *port, const struct msg_netdev_join *join)
{
	nsec_t now = 0;

	if (port->joined) {
		error_send(port->channel.handle, 0, ERR_BAD_STATE, "the port has joined already");
		return;
	}
	if (clock_get(CLOCK_MONOTONIC, &now) != 0)
		now = 0;
	port->join = *join;
	port->joined = true;
	port->join_deadline = now + JOIN_WAIT;
	vm_ports_answer(port->sw, now);
}

static void vm_port_message(struct loop *loop, struct source *source, struct message *m)
{
	struct port *port = source->context;
	struct msg_netdev_networks networks;
	struct msg_netdev_accept accept;
	struct msg_netdev_join join;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (m->type == MSG_NETDEV_FRAME && port->up) {
		frame_forward(port, m);
		return;
	}
	if (message_decode_netdev_join(m, &join, &tail, &tail_len) == 0)
		take_join(port, &join);
	else if (message_decode_netdev_networks(m, &networks, &tail, &tail_len) == 0)
		networks_set(port, &networks.networks);
	else if (port->up && message_decode_netdev_accept(m, &accept, &tail, &tail_len) == 0)
		set_features(port, accept.features);
	else
		error_send(
			source->handle, 0, ERR_PROTOCOL,
			"vmnet takes netdev_join, and then frames, netdev_accept and netdev_networks");
	message_discard(m);
}

static void vm_port_batch_end(struct loop *loop, struct source *source)
{
	(void)loop;
	port_account(source->context);
}

void vm_port_tell_gone(const struct port *port)
{
	struct msg_netdev_gone gone = { 0 };
	struct message m;

	memcpy(gone.mac, port->mac, sizeof(gone.mac));
	memcpy(gone.address, port->identity.ipv4, sizeof(gone.address));
	if (message_encode_netdev_gone(&m, &gone, NULL, 0) == 0)
		port_send(&port->sw->own, &m, NULL);
}

static void vm_port_closed(struct loop *loop, struct source *source)
{
	struct port *port = source->context;
	const uint8_t *ip = port->identity.ipv4;
	struct netswitch *sw = port->sw;

	(void)loop;
	if (port->up) {
		pool_give_back(&sw->pool, port->identity.ipv4);
		vm_port_tell_gone(port);
		ports_tell(port, true);
		log_info("port %u.%u.%u.%u: down%s", ip[0], ip[1], ip[2], ip[3],
		         port->overflows > 0 ? "; it has not taken all that was sent to it" : "");
	}
	port_close(port);
	list_remove(&port->entry);
	sw->num_vm_ports--;
	heap_free(port);
}

static const struct source_ops vm_port_ops = {
	.message = vm_port_message,
	.batch_end = vm_port_batch_end,
	.writable = port_writable,
	.closed = vm_port_closed,
};

void vm_port_accept(struct netswitch *sw, handle_t channel)
{
	struct port *port = NULL;

	if (sw->num_vm_ports < MAX_VM_PORTS)
		port = heap_alloc(sizeof(*port));
	if (port == NULL) {
		error_send(channel, 0, ERR_LIMIT, "the switch has no port left");
		handle_close(channel);
		return;
	}
	port_init(port, sw, PORT_VM);
	if (port_open(port, channel, &vm_port_ops) != 0) {
		heap_free(port);
		return;
	}
	list_push_back(&sw->vm_ports, &port->entry);
	sw->num_vm_ports++;
}
