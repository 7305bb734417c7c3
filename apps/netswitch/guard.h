// SPDX-License-Identifier: MIT
//
// What a VM may send: its port has a MAC address and IP addresses of its own, and speaks in no other name. The frame is the
// switch's own copy, which the guest cannot change while it is judged.
#pragma once

#include <stdbool.h>

#include "libs/base/span.h"

#define GUARD_MAC_LEN 6u

// Who a port is. Addresses are in network order.
struct guard_identity {
	uint8_t mac[GUARD_MAC_LEN];
	uint8_t ipv4[4];
	bool has_ipv6;  // without it the port speaks no IPv6 beyond its link-local address
	uint8_t ipv6[16];
};

enum guard_verdict {
	GUARD_PASS = 0,
	GUARD_MALFORMED,    // too short for what it says it is
	GUARD_MAC,          // foreign or impossible source MAC
	GUARD_IPV4,         // foreign source address
	GUARD_IPV6,
	GUARD_ARP,          // claims a foreign address
	GUARD_NEIGHBOUR,    // neighbour discovery that claims a foreign address
	GUARD_ROUTER,       // plays the router: router advertisement or redirect
	GUARD_DHCP_SERVER,  // plays the DHCP server, v4 or v6
	GUARD_PROTOCOL,     // neither IPv4, IPv6 nor ARP (VLAN tags, LLDP, ...)
};

// Judges a frame that the port with this identity sent.
enum guard_verdict guard_check(const struct guard_identity *self, struct span frame);
// The link-local address that belongs to a MAC address (RFC 4291, appendix A).
void guard_link_local(const uint8_t mac[GUARD_MAC_LEN], uint8_t out[16]);
// In a few words, for the log. Never NULL.
const char *guard_verdict_text(enum guard_verdict verdict);
