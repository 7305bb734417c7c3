// SPDX-License-Identifier: MIT
//
// A virtual machine's network: its virtio network card on a port of the switch ("vmnet",
// libs/abi/netdev.h). The card is there from boot with its link down, so that a machine that waits
// in a pool can join any network later; the link comes up once the switch has said who the machine
// is. Frames move in folios: one copy from guest memory, one into it. All functions are for the
// loop's thread.
#pragma once

#include "libs/abi/netdev.h"
#include "libs/linux/machine/machine.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/virtio/device_net.h"

// How long a container waits for the switch to know its network: more than tcpip waits for DHCP.
#define VM_NET_PATIENCE (15 * NSEC_PER_SEC)

// Who the machine is on the network.
struct guest_address {
	uint8_t mac[6];
	uint16_t mtu;
	struct netdev_network network;
};

struct vm_net {
	struct net_device device;
	// The switch's answer to vm_net_join: who the machine is, or that it has no network (NULL)
	// and why, for people. Comes once more when it is given another address, or one after all.
	void (*settled)(void *context, const struct guest_address *address, const char *error);
	void *context;
	struct guest_address address;
	bool has_address;
	// frames that the switch does not take, or for which there was no memory
	uint64_t tx_refused;
	uint64_t rx_refused;  // messages of the switch that were none

	// Private.
	struct machine *machine;
	struct loop *loop;
	uint8_t wanted[4];
	struct netdev_networks networks;
	bool has_networks;
	bool networks_wait;  // for room in the channel
	// our own: the app's may be shared by several machines, and a poll takes a handle once
	handle_t connector;
	struct service_client client;
	struct source port;
	bool connected;
	bool waiting;  // `settled` is to come
	struct source patience;
	handle_t patience_timer;
	uint32_t switch_takes;  // NETDEV_FEATUREs
	uint32_t told;          // those that the switch was told we take

	// A frame on its way out of the guest: the message that is being filled, and whether it
	// waits for room in the channel.
	struct message tx;
	bool tx_waits;
	void (*drained)(void *context);  // vm_net_drain waits
	void *drained_context;
	// The frame that the guest has no buffers for. While there is one, the channel's queue is
	// all that waits behind it.
	struct message rx;  // holds it when it came inline
	struct payload rx_payload;
	struct msg_netdev_frame rx_frame;
	bool rx_waits;
};

// Makes the machine's network card, in the machine's next slot, and attaches it. `net` is zeroed.
// Errors: as machine_slot_create's and machine_attach's.
__must_check error_t vm_net_create(struct vm_net *net, struct machine *machine);
// Joins the network behind `connector` (of "vmnet"; not consumed) wanting `address` (all zero:
// any). `settled` comes later, from the loop. Once. Errors: as handle_duplicate's,
// service_client_start's and timer_create's.
__must_check error_t vm_net_join(struct vm_net *net, handle_t connector, const uint8_t address[4],
                                 void (*settled)(void *context, const struct guest_address *address,
                                                 const char *error),
                                 void *context);
// The machine is in these networks only, at once and whenever it joins again, and asks the switch's
// own TCP/IP for names from its next join on. Before vm_net_join, or after it.
void vm_net_set_networks(struct vm_net *net, const struct netdev_networks *networks);
// The machine has stopped: sends what its guest has handed to the card, such as the last
// acknowledgement of a connection. Returns true when all is sent, or nobody is there to take it;
// else `drained` comes, and this is to be called again.
__must_check bool vm_net_drain(struct vm_net *net, void (*drained)(void *context), void *context);
// Leaves the network and frees everything but the card's slot, which is the machine's. Without
// effect on a zeroed one.
void vm_net_deinit(struct vm_net *net);
