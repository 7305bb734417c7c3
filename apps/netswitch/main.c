// SPDX-License-Identifier: MIT
#include "apps/netswitch/switch.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define DEFAULT_MTU 1500u

static struct netswitch state;

// --- Our own TCP/IP ---

// What it is behind: the device's address, and what the device takes. What it does not take is
// better done where the frame is made; the switch would have to look for it.
static void own_tell_info(struct netswitch *sw)
{
	struct msg_netdev_info info = sw->info;
	struct message m;
	error_t err;

	if (sw->own.channel.handle == HANDLE_NONE || !sw->has_info)
		return;
	info.features |= NETDEV_FEATURE_RX_CSUM;  // of virtual machines' frames
	memcpy(sw->own.mac, info.mac, sizeof(info.mac));
	err = message_encode_netdev_info(&m, &info, NULL, 0);
	if (err != 0)
		return;
	port_send(&sw->own, &m, NULL);
	sw->own.up = true;
}

static void own_message(struct loop *loop, struct source *source, struct message *m)
{
	struct port *port = source->context;
	struct msg_netdev_network network;
	struct msg_netdev_accept accept;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (m->type == MSG_NETDEV_FRAME) {
		frame_forward(port, m);
		return;
	}
	if (message_decode_netdev_accept(m, &accept, &tail, &tail_len) == 0)
		port->features = accept.features;
	else if (message_decode_netdev_network(m, &network, &tail, &tail_len) == 0)
		network_changed(port->sw, &network.network);
	else
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "ethernet takes frames, netdev_accept and netdev_network");
	message_discard(m);
}

static void own_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	port_close(source->context);
}

static const struct source_ops own_ops = {
	.message = own_message,
	.writable = port_writable,
	.closed = own_closed,
};

// There is one TCP/IP server: a second connection is its next life, of which we hear before we see
// the end of the last.
static void own_accepted(void *context, handle_t channel)
{
	struct netswitch *sw = context;

	port_close(&sw->own);
	sw->own.features = 0;
	if (port_open(&sw->own, channel, &own_ops) == 0)
		own_tell_info(sw);
}

// --- The uplink ---

static void uplink_info(struct netswitch *sw, const struct msg_netdev_info *info)
{
	// After a restart of the driver nothing is new, as a rule, and nobody need notice.
	bool news = !sw->has_info || memcmp(&sw->info, info, sizeof(*info)) != 0;

	sw->info = *info;
	sw->has_info = true;
	sw->uplink.features = info->features;
	sw->uplink.up = sw->uplink.channel.handle != HANDLE_NONE;
	if (news)
		own_tell_info(sw);
}

static void uplink_message(struct loop *loop, struct source *source, struct message *m)
{
	struct port *port = source->context;
	struct msg_netdev_info info;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (m->type == MSG_NETDEV_FRAME && port->up) {
		frame_forward(port, m);
		return;
	}
	if (message_decode_netdev_info(m, &info, &tail, &tail_len) == 0)
		uplink_info(port->sw, &info);
	message_discard(m);
}

static void uplink_closed(struct loop *loop, struct source *source)
{
	struct port *port = source->context;

	(void)loop;
	port_close(port);
	if (service_client_again(&port->sw->uplink_client) != 0)
		log_error("cannot connect to the network device any more");
}

static const struct source_ops uplink_ops = {
	.message = uplink_message,
	.writable = port_writable,
	.closed = uplink_closed,
};

static void uplink_connected(void *context, handle_t channel)
{
	struct netswitch *sw = context;
	error_t err = port_open(&sw->uplink, channel, &uplink_ops);

	(void)err;  // it has said so
}

// Without a device in the image there is a network within the machine: with an address for our own
// TCP/IP that nobody has.
static void uplink_missing(struct netswitch *sw)
{
	struct msg_netdev_info info = { .mac = { 0x02, 0x53 }, .mtu = DEFAULT_MTU };

	log_warn("no network device: the network ends at this machine");
	if (random_get(info.mac + 3, 3) == 0)
		uplink_info(sw, &info);
}

// --- Start ---

static void vmnet_accepted(void *context, handle_t channel)
{
	vm_port_accept(context, channel);
}

static void ports_accepted(void *context, handle_t channel)
{
	ports_accept(context, channel);
}

static void traffic_accepted(void *context, handle_t channel)
{
	traffic_accept(context, channel);
}

// netswitch.rate and netswitch.burst: frames per second of a VM port, and how many it may send at
// once.
static void read_rate(struct netswitch *sw, const struct environ *env)
{
	uint64_t rate = 0, burst = 0;

	if (environ_config_u64(env, "rate", &rate) != 0 || rate == 0 || rate > NSEC_PER_SEC ||
	    environ_config_u64(env, "burst", &burst) != 0 || burst == 0 || burst > NSEC_PER_SEC) {
		log_error(
			"netswitch.rate=%s netswitch.burst=%s: must be numbers of frames from 1 on",
			environ_config(env, "rate"), environ_config(env, "burst"));
		process_exit(1);
	}
	sw->frame_cost = NSEC_PER_SEC / rate;
	sw->burst = burst * sw->frame_cost;
}

// The port of the host's loopback that leads to the engine, which starina-run chose.
static void read_closed(struct netswitch *sw, const struct environ *env)
{
	uint64_t forward = 0;

	if (environ_config_u64(env, "closed", &forward) != 0 || forward > UINT16_MAX) {
		log_error("netswitch.closed=%s: must be a TCP port, or 0",
		          environ_config(env, "closed"));
		process_exit(1);
	}
	sw->closed.forward = (uint16_t)forward;
}

static error_t start(struct netswitch *sw, const struct environ *env)
{
	handle_t netdev = environ_connector(env, "netdev");
	error_t err;

	if (pool_init(&sw->pool, environ_config(env, "pool")) != 0) {
		log_error(
			"netswitch.pool=%s is not FIRST-LAST, host numbers as 100-199, at most %u of them",
			environ_config(env, "pool"), POOL_MAX);
		process_exit(1);
	}
	read_rate(sw, env);
	read_closed(sw, env);
	list_init(&sw->vm_ports);
	port_init(&sw->uplink, sw, PORT_UPLINK);
	port_init(&sw->own, sw, PORT_OWN);
	err = loop_init(&sw->loop);
	if (err == 0)
		err = service_listen(&sw->loop, &sw->ethernet, environ_service(env, "ethernet"),
		                     own_accepted, sw);
	if (err == 0)
		err = service_listen(&sw->loop, &sw->vmnet, environ_service(env, "vmnet"),
		                     vmnet_accepted, sw);
	if (err == 0)
		err = service_listen(&sw->loop, &sw->ports, environ_service(env, "ports"),
		                     ports_accepted, sw);
	if (err == 0)
		err = service_listen(&sw->loop, &sw->traffic, environ_service(env, "traffic"),
		                     traffic_accepted, sw);
	if (err == 0 && netdev != HANDLE_NONE)
		err = service_client_start(&sw->loop, &sw->uplink_client, netdev, uplink_connected,
		                           sw);
	else if (err == 0)
		uplink_missing(sw);
	return err;
}

static void netswitch_main(const struct environ *env)
{
	struct netswitch *sw = &state;
	nsec_t deadline = 0;
	error_t err = start(sw, env);

	while (err == 0 || err == ERR_TIMED_OUT) {
		nsec_t now = 0, answer;

		err = loop_turn(&sw->loop, deadline);
		// Nobody who waits for a time: no look at the clock.
		if (sw->num_vm_ports == 0) {
			deadline = NSEC_NEVER;
			continue;
		}
		if (clock_get(CLOCK_MONOTONIC, &now) != 0)
			break;
		deadline = ports_unthrottle(sw, now);
		answer = vm_ports_answer(sw, now);
		if (answer < deadline)
			deadline = answer;
	}
	log_error("cannot go on: %s", error_text(err));
	process_exit(1);
}

APP(netswitch,
    .main = netswitch_main,
    .restart = RESTART_ALWAYS,
    .memory_limit = 64ul * 1024 * 1024,
    .handle_limit = 16384,
    .needs = {
	    {NEED_SERVICE, "netdev", NULL, 1},
	    // The addresses of virtual machines: host numbers of our network.
	    {NEED_CONFIG, "pool", "100-199", 0},
	    // What each virtual machine may send: frames a second, and at once.
	    {NEED_CONFIG, "rate", "8000", 0},
	    {NEED_CONFIG, "burst", "800", 0},
	    // A TCP port of the host that they do not reach, nor the engine behind it.
	    {NEED_CONFIG, "closed", "0", 0},
    },
    .provides = {"ethernet", "vmnet", "ports", "traffic"});
