// SPDX-License-Identifier: MIT
//
// What a VM may send: its port has a MAC address and IP addresses of its own, and speaks in no
// other name. The frame is the switch's own copy, which the guest cannot change while it is judged.
#pragma once

#include "libs/base/span.h"

#define GUARD_MAC_LEN 6u
#define GUARD_MORE_MAX 16u

// Who a port is. Addresses are in network order.
struct guard_identity {
	uint8_t mac[GUARD_MAC_LEN];
	uint8_t ipv4[4];
	// Its addresses in networks.
	uint8_t more_ipv4[GUARD_MORE_MAX][4];
	size_t num_more;
	// IPv6: addresses of any prefix whose interface identifier is made of the MAC address, as
	// SLAAC makes them.
};

// What has to be known of a frame to judge it: its first bytes. Enough for all headers that are
// looked at.
#define GUARD_HEADERS 256u

enum guard_verdict {
	GUARD_PASS = 0,
	GUARD_MALFORMED,  // too short for what it says it is
	GUARD_MAC,        // foreign or impossible source MAC
	GUARD_IPV4,       // foreign source address
	GUARD_IPV6,
	GUARD_ARP,          // claims a foreign address
	GUARD_NEIGHBOUR,    // neighbour discovery that claims a foreign address
	GUARD_ROUTER,       // plays the router: router advertisement or redirect
	GUARD_DHCP_SERVER,  // plays the DHCP server, v4 or v6
	GUARD_PROTOCOL,     // neither IPv4, IPv6 nor ARP (VLAN tags, LLDP, ...)
	GUARD_OFFLOAD,      // asks for a checksum or for segmentation that does not fit its headers
	GUARD_CLOSED,       // TCP to a port that is for the host's user only
	GUARD_NETWORK,      // for somebody with whom it shares no network
	GUARD_VERDICTS,
};

// Judges a frame of `frame_len` bytes that the port with this identity sent by its first bytes:
// all, or GUARD_HEADERS of them.
enum guard_verdict guard_check(const struct guard_identity *self, struct span headers,
                               size_t frame_len);
// What no VM may reach: the engine's TCP port (libs/abi/engine.h) at any address of ours, and
// `forward`, the port of the host's loopback that leads there. QEMU's network makes that of its
// whole subnet.
struct guard_closed {
	uint16_t forward;  // 0: there is no engine, and nothing is closed
	uint8_t subnet[4];
	uint32_t prefix_len;
};

// Judges a frame that guard_check has passed, and that goes to our own TCP/IP or to the uplink.
enum guard_verdict guard_check_closed(const struct guard_closed *closed, struct span headers);
// The interface identifier that belongs to a MAC address (RFC 4291, appendix A): the last 8 bytes
// of its IPv6 addresses.
void guard_interface_id(const uint8_t mac[GUARD_MAC_LEN], uint8_t out[8]);
// In a few words, for the log. Never NULL.
const char *guard_verdict_text(enum guard_verdict verdict);
