// SPDX-License-Identifier: MIT
//
// Networks of containers, between the apps that keep them: `containers` says who is in which, to a
// virtual machine's process ("vmm"), which tells the switch, and to `dns` ("names"); the switch
// says which port is in which ("ports").
//
// "ports" (netswitch), for `dns`: ports_uplink and ports_port for what is there, and for each
//   change, before any frame that the port sends after it. A second client takes the first one's
//   place.
// "names" (dns), for `containers`: names_table, whenever it is another.
#pragma once

#include "libs/abi/netdev.h"

// Of the service "vmm", to the process of a virtual machine: what its machine is in, before
// vmm_start and at each change. An entry that stays keeps its place.
struct msg_vmm_networks {
	struct netdev_networks networks;
};

// The network that the switch's own TCP/IP is in.
struct msg_ports_uplink {
	struct netdev_network network;
};

// A port that was told its networks, by the address that the switch gave it.
struct msg_ports_port {
	uint8_t address[4];
	uint32_t is_gone;  // 1: nobody has the address any more, and the rest is 0
	uint32_t reach;    // NETDEV_REACH_*
	uint32_t networks[NETDEV_NETWORKS_MAX];  // their numbers; 0: none
};

// All names, in place of those before. One handle, unless `length` is 0: a folio with a
// names_entry for each, and its text behind it.
struct msg_names_table {
	uint32_t length;
};

// As it lies in the table, without padding.
struct names_entry {
	uint32_t network;  // 0: any, of an entry with an asker
	uint8_t address[4];
	uint8_t asker[4];  // the address that the switch gave who alone knows it; 0: all
	uint8_t length;    // of the text that follows, 1 to NAMES_MAX
	uint8_t reserved[3];
};

#define NAMES_MAX 253u
#define NAMES_TABLE_MAX (256u * 1024)

#define NETWORKS_MESSAGES(X)                        \
	X(VMM_NETWORKS, vmm_networks, 170, 0, NONE) \
	X(PORTS_UPLINK, ports_uplink, 171, 0, NONE) \
	X(PORTS_PORT, ports_port, 172, 0, NONE)     \
	X(NAMES_TABLE, names_table, 173, 1, NONE)

enum { NETWORKS_MESSAGES(MESSAGE_NUMBER) };
NETWORKS_MESSAGES(MESSAGE_DECODER)
NETWORKS_MESSAGES(MESSAGE_ENCODER)
