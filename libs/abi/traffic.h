// SPDX-License-Identifier: MIT
//
// The service "traffic" (netswitch): what goes through the switch's ports, for those who show it.
// Each traffic_get is answered by one traffic.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/netdev.h"

struct msg_traffic_get {
	uint32_t id;
};

enum traffic_port_kind {
	TRAFFIC_UPLINK = 0,  // the network device
	TRAFFIC_OWN = 1,     // our own TCP/IP
	TRAFFIC_VM = 2,      // a virtual machine
};

struct traffic_count {
	uint64_t frames;  // a large frame, which is cut later, is one
	uint64_t bytes;   // with Ethernet's headers
};

struct traffic_port {
	char app[APP_NAME_MAX];  // who has a virtual machine's port; else ""
	uint32_t kind;           // enum traffic_port_kind
	uint32_t is_up;
	uint8_t address[4];  // IPv4, in network order; all zero: none
	uint32_t reserved;
	struct traffic_count from, to;  // sent by who is behind the port; sent to it
	uint64_t refused;               // frames from it that may not be
	uint64_t overflows;             // frames to it for which there was no room
};

// One handle: a folio with `count` struct traffic_port, the uplink first, then our own TCP/IP.
struct msg_traffic {
	uint32_t id;
	uint32_t count;
	struct netdev_network network;  // of our own TCP/IP; all zero: it has none yet
};

#define TRAFFIC_MESSAGES(X)                       \
	X(TRAFFIC_GET, traffic_get, 190, 0, NONE) \
	X(TRAFFIC, traffic, 191, 1, NONE)

enum { TRAFFIC_MESSAGES(MESSAGE_NUMBER) };
TRAFFIC_MESSAGES(MESSAGE_DECODER)
TRAFFIC_MESSAGES(MESSAGE_ENCODER)
