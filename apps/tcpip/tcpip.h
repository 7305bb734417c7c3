// SPDX-License-Identifier: MIT
//
// The TCP/IP server: lwIP between the switch's channel and the channels of its clients.
#pragma once

#include "apps/tcpip/gather.h"
#include "libs/abi/netdev.h"
#include "libs/starina/environ.h"
#include "libs/starina/loop.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "lwip/netif.h"

struct tcpip;

// The link to the switch (link.c). Frames that its channel has no room for wait in `unsent`.
struct link {
	struct tcpip *tcpip;
	struct service_client client;
	struct source device;          // its handle is HANDLE_NONE while there is no switch
	bool takes_partial_checksums;  // the device does
	bool takes_large;
	struct gather gather;        // segments that become one frame at the end of the turn
	struct netdev_network told;  // what the switch knows of our network
	struct netif netif;
	bool netif_added;
	ip4_addr_t shown;  // the address that was logged

	// when the static address is taken, unless DHCP answered; NSEC_NEVER: done
	nsec_t fallback_at;
	struct list unsent;
	size_t num_unsent;
};

struct tcpip {
	struct loop loop;
	const struct environ *env;
	struct link link;
	struct service_listener service;
	struct list dirty;  // connections with data for tcp_output, once the batch in hand is done
	uint32_t next_id;
};

// Connects to the switch, now or as soon as it is there. Without one (the need is optional) only
// loopback works.
__must_check error_t link_init(struct link *link, struct tcpip *tcpip);
// Takes the static address when DHCP has not answered in time. Returns when to ask again.
nsec_t link_check_fallback(struct link *link, nsec_t now);

// Sends what was gathered for a large frame. Before the memory that lwIP's segments refer to goes
// away, and before the loop waits.
void link_flush(struct link *link);
// Tells the switch our network when it has changed.
void link_tell_network(struct link *link);

// The clients: each connection to the service is a channel that takes MSG_OPEN (client.c).
__must_check error_t clients_init(struct tcpip *tcpip);

// Gives what the connections wrote in this batch to the network (connection.c).
void connections_flush(struct tcpip *tcpip);
