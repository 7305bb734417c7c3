// SPDX-License-Identifier: MIT
//
// The switch: Ethernet frames between the network device ("netdev"), our own TCP/IP ("ethernet")
// and virtual machines ("vmnet"). main.c has the services; switch_port.c what all ports have: the
// queue toward a peer, backpressure, the rate limit; forward.c where a frame goes, and what is done
// for ports that cannot do it; vm_port.c how a virtual machine joins; pool.c the addresses; guard.c
// what a virtual machine may send; networks.c who may speak with whom; ports.c who is told of that;
// traffic.c how much it was.
//
// No addresses are learned: each port of ours has one MAC address that the switch gave it or knows,
// and all others are beyond the uplink. So there is no table that a guest could fill, and nothing
// to flood but group addresses.
#pragma once

#include "apps/netswitch/guard.h"
#include "apps/netswitch/pool.h"
#include "libs/abi/netdev.h"
#include "libs/abi/traffic.h"
#include "libs/base/string.h"
#include "libs/starina/loop.h"
#include "libs/starina/service.h"

#define MAX_VM_PORTS 32u
// Frames that wait for a peer whose channel is full. Toward the uplink and our own stack, which
// always go on, whoever sends more has to wait; toward a virtual machine, which may be stopped,
// more is dropped.
#define QUEUE_MAX 256u
#define QUEUE_WAKE (QUEUE_MAX / 2)

enum port_kind {
	PORT_UPLINK,
	PORT_OWN,  // our own TCP/IP
	PORT_VM,
};

struct netswitch;

struct port {
	struct netswitch *sw;
	enum port_kind kind;
	struct source channel;        // its handle is HANDLE_NONE while there is no peer
	bool up;                      // frames may come and go
	uint32_t features;            // what the peer takes (NETDEV_FEATURE_*)
	uint8_t mac[NETDEV_MAC_LEN];  // of whom is behind it
	bool is_plain;                // it reaches all that are, and is in no network
	uint32_t reach;               // NETDEV_REACH_*

	// Toward the peer.
	struct list queue;  // of struct queued_frame
	size_t num_queued;
	bool others_wait;    // ports have stopped until the queue is shorter
	uint64_t overflows;  // frames dropped because it was full
	struct traffic_count to;

	// From the peer.
	bool waits;  // for the queue of another port
	struct traffic_count from;

	// VM ports only.
	struct list entry;  // in netswitch.vm_ports
	bool joined;
	bool throttled;       // it has sent more than its rate allows
	unsigned batch_cost;  // of the frames since the last look at the clock
	nsec_t paid_until;    // what was sent is paid for at this time
	struct guard_identity identity;
	bool is_managed;                     // it was told its networks
	uint8_t wanted_mac[NETDEV_MAC_LEN];  // all zero: any
	struct netdev_membership networks[NETDEV_NETWORKS_MAX];
	size_t num_networks;
	struct msg_netdev_join join;
	nsec_t join_deadline;  // while it waits for the network
	uint64_t dropped[GUARD_VERDICTS];
};

struct netswitch {
	struct loop loop;
	struct service_client uplink_client;
	struct service_listener ethernet;
	struct service_listener vmnet;
	struct service_listener ports;
	struct source ports_client;
	bool has_ports_client;
	struct service_listener traffic;
	unsigned num_traffic_clients;
	struct msg_netdev_info info;  // of the uplink
	bool has_info;
	struct port uplink;
	struct port own;
	struct list vm_ports;
	size_t num_vm_ports;
	struct netdev_network network;  // what our own TCP/IP told
	struct pool pool;
	struct guard_closed closed;
	nsec_t frame_cost;  // what one frame of a VM port costs
	nsec_t burst;       // what a VM port may owe
};

// --- Ports (switch_port.c) ---

// A port without a peer.
void port_init(struct port *port, struct netswitch *sw, enum port_kind kind);
// The port has a peer, behind `channel`, which is the port's from now on, also on errors. Errors:
// loop_add's.
__must_check error_t port_open(struct port *port, handle_t channel, const struct source_ops *ops);
// The peer is gone, and so is what waited for it. Whoever waited for room goes on.
void port_close(struct port *port);
// Queues a message for the peer; consumes its handles. `from` (NULL: nobody) has to wait when there
// is too much.
void port_send(struct port *port, struct message *m, struct port *from);
// The loop's callback: the peer has room.
void port_writable(struct loop *loop, struct source *source);
// Counts `n` frames that the port has caused to be sent against its rate.
void port_charge(struct port *port, unsigned n);
// Looks at the clock after a batch: a VM port that sent more than its rate allows is stopped.
void port_account(struct port *port);
// Lets ports go on whose time has come. Returns when to ask again.
nsec_t ports_unthrottle(struct netswitch *sw, nsec_t now);

// --- Frames (forward.c) ---

// Counts a frame.
static inline void traffic_add(struct traffic_count *count, const struct message *m)
{
	struct msg_netdev_frame frame;

	memcpy(&frame, m->data, sizeof(frame));
	count->frames++;
	count->bytes += m->num_handles == 0 ? m->len - sizeof(frame) : frame.length;
}

// Sends a MSG_NETDEV_FRAME that `from` sent to where it belongs. Consumes the message's handles.
void frame_forward(struct port *from, struct message *m);

// --- Virtual machines (vm_port.c) ---

// A fresh connection to "vmnet".
void vm_port_accept(struct netswitch *sw, handle_t channel);
// Answers those that wait for the network, when it is known, or refuses them when it is too late.
// Returns when to ask again.
nsec_t vm_ports_answer(struct netswitch *sw, nsec_t now);
// Our own TCP/IP told its network: what can be answered is.
void network_changed(struct netswitch *sw, const struct netdev_network *network);

// Our own stack hears that nobody has the port's addresses any more, after the port's last frame.
void vm_port_tell_gone(const struct port *port);

// --- Networks (networks.c) ---

// The port is in these networks, and no others. Members hear of its new addresses when it is up.
void networks_set(struct port *port, const struct netdev_networks *networks);
// The MAC address of a port, whose address is known: the wanted one, which another port has no more
// then, or one that follows from the address.
void networks_name(struct port *port);
// The port is up: members of its networks hear of its addresses.
void networks_announce(struct port *port);
// Whether a frame, of which these are the headers, may go from one port to the other. One of them
// is no plain port.
bool networks_allow(const struct port *from, const struct port *to, struct span headers);

// --- Who is told of networks (ports.c) ---

// A fresh connection to "ports".
void ports_accept(struct netswitch *sw, handle_t channel);
// What the port's networks are, or that it is gone. Without effect on one that was told none.
void ports_tell(const struct port *port, bool is_gone);
// The network of our own TCP/IP.
void ports_tell_uplink(struct netswitch *sw);

// --- How much went through (traffic.c) ---

// A fresh connection to "traffic".
void traffic_accept(struct netswitch *sw, handle_t channel);
