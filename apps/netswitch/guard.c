// SPDX-License-Identifier: MIT
#include "apps/netswitch/guard.h"

#include <stdbool.h>

#include "libs/abi/engine.h"
#include "libs/base/string.h"

#define ETHERNET_HEADER_LEN 14u
#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_ARP 0x0806u
#define ETHERTYPE_IPV6 0x86ddu

#define IPV6_HEADER_LEN 40u

#define IP_PROTOCOL_HOP_BY_HOP 0u
#define IP_PROTOCOL_TCP 6u
#define IP_PROTOCOL_UDP 17u
#define IP_PROTOCOL_ICMPV6 58u

// What comes from a server's port or goes to a client's is a server's.
#define DHCP_SERVER_PORT 67u
#define DHCP_CLIENT_PORT 68u
#define DHCPV6_SERVER_PORT 547u
#define DHCPV6_CLIENT_PORT 546u

// RFC 4861, section 4.
#define MLD_QUERY 130u
#define MLD_REPORT 131u
#define MLD_DONE 132u
#define ND_ROUTER_SOLICITATION 133u
#define ND_ROUTER_ADVERTISEMENT 134u
#define ND_NEIGHBOUR_SOLICITATION 135u
#define ND_NEIGHBOUR_ADVERTISEMENT 136u
#define ND_REDIRECT 137u
#define ND_OPTION_SOURCE_MAC 1u
#define ND_OPTION_TARGET_MAC 2u
#define MLD2_REPORT 143u

static const uint8_t zeroes[16];

static bool equal(struct span bytes, const uint8_t *other)
{
	return bytes.data != NULL && memcmp(bytes.data, other, bytes.len) == 0;
}

void guard_interface_id(const uint8_t mac[GUARD_MAC_LEN], uint8_t out[8])
{
	out[0] = mac[0] ^ 2;
	out[1] = mac[1];
	out[2] = mac[2];
	out[3] = 0xff;
	out[4] = 0xfe;
	out[5] = mac[3];
	out[6] = mac[4];
	out[7] = mac[5];
}

static bool is_own_ipv6(const struct guard_identity *self, struct span address)
{
	uint8_t id[8];

	guard_interface_id(self->mac, id);
	return address.len == 16 && address.data[0] != 0xff &&
		memcmp(address.data + 8, id, sizeof(id)) == 0;
}

static bool is_own_ipv4(const struct guard_identity *self, struct span address)
{
	if (equal(address, self->ipv4))
		return true;
	for (size_t i = 0; i < self->num_more; i++)
		if (equal(address, self->more_ipv4[i]))
			return true;
	return false;
}

// RFC 826. Whatever the operation: the sender's addresses are what others learn.
static enum guard_verdict check_arp(const struct guard_identity *self, struct reader *r)
{
	uint32_t hardware = reader_be16(r), protocol = reader_be16(r);
	uint8_t hardware_len = reader_u8(r), protocol_len = reader_u8(r);
	struct span mac, ip, target;

	reader_skip(r, 2);  // operation
	mac = reader_bytes(r, GUARD_MAC_LEN);
	ip = reader_bytes(r, 4);
	reader_skip(r, GUARD_MAC_LEN);
	target = reader_bytes(r, 4);
	if (reader_status(r) < 0 || hardware != 1 || protocol != ETHERTYPE_IPV4 ||
	    hardware_len != GUARD_MAC_LEN || protocol_len != 4)
		return GUARD_MALFORMED;
	// A probe for whether an address is free has no sender's (RFC 5227). One for another's
	// would keep that from using it.
	if (!equal(mac, self->mac) || !is_own_ipv4(self, equal(ip, zeroes) ? target : ip))
		return GUARD_ARP;
	return GUARD_PASS;
}

static enum guard_verdict check_udp(struct reader *r, uint32_t server_port, uint32_t client_port)
{
	uint32_t source = reader_be16(r);
	uint32_t destination = reader_be16(r);

	reader_skip(r, 4);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	return source == server_port || destination == client_port ? GUARD_DHCP_SERVER : GUARD_PASS;
}

// RFC 791.
static enum guard_verdict check_ipv4(const struct guard_identity *self, struct reader *r,
                                     size_t packet_len)
{
	uint8_t first = reader_u8(r);
	uint32_t header_len = (first & 15u) * 4, total, fragment;
	uint8_t protocol;
	struct span source;

	reader_skip(r, 1);
	total = reader_be16(r);
	reader_skip(r, 2);
	fragment = reader_be16(r);
	reader_skip(r, 1);
	protocol = reader_u8(r);
	reader_skip(r, 2);
	source = reader_bytes(r, 4);
	reader_skip(r, 4);
	if (reader_status(r) < 0 || first >> 4 != 4 || header_len < 20 || total < header_len ||
	    total > packet_len)
		return GUARD_MALFORMED;
	if (!is_own_ipv4(self, source))
		return GUARD_IPV4;
	reader_skip(r, header_len - 20);
	// What follows the first fragment has no ports; without the first it is never put together.
	// A first fragment that ends within the ports is malformed.
	if (protocol != IP_PROTOCOL_UDP || (fragment & 0x1fff) != 0)
		return reader_status(r) < 0 ? GUARD_MALFORMED : GUARD_PASS;
	return check_udp(r, DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
}

// The options of a neighbour discovery message: a MAC address that is told is the port's own.
static enum guard_verdict check_nd_options(const struct guard_identity *self, struct reader *r)
{
	while (r->rest.len > 0) {
		uint8_t type = reader_u8(r);
		size_t len = (size_t)reader_u8(r) * 8;
		struct span value;

		if (reader_status(r) < 0 || len < 8)
			return GUARD_MALFORMED;
		value = reader_bytes(r, len - 2);
		if (reader_status(r) < 0)
			return GUARD_MALFORMED;
		value.len = GUARD_MAC_LEN;
		if ((type == ND_OPTION_SOURCE_MAC || type == ND_OPTION_TARGET_MAC) &&
		    !equal(value, self->mac))
			return GUARD_NEIGHBOUR;
	}
	return GUARD_PASS;
}

// RFC 4861, sections 4.1 to 4.5. `r` ends with the packet, or, when not `whole`, with what of it is
// in hand.
static enum guard_verdict check_icmpv6(const struct guard_identity *self, struct reader *r,
                                       bool has_source, bool whole)
{
	uint8_t type = reader_u8(r);
	struct span target;

	reader_skip(r, 3);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	if (type == ND_ROUTER_ADVERTISEMENT || type == ND_REDIRECT || type == MLD_QUERY)
		return GUARD_ROUTER;
	if (!has_source && type != ND_NEIGHBOUR_SOLICITATION && type != ND_ROUTER_SOLICITATION)
		return GUARD_IPV6;
	if (type < ND_ROUTER_SOLICITATION || type > ND_NEIGHBOUR_ADVERTISEMENT)
		return GUARD_PASS;
	// An option beyond what is in hand could say anything.
	if (!whole)
		return GUARD_MALFORMED;
	reader_skip(r, 4);
	if (type != ND_ROUTER_SOLICITATION) {
		target = reader_bytes(r, 16);
		// Asking whether another's address is free would keep that from using it (RFC 4862,
		// section 5.4.3).
		if (reader_status(r) == 0 && (type == ND_NEIGHBOUR_ADVERTISEMENT || !has_source) &&
		    !is_own_ipv6(self, target))
			return GUARD_NEIGHBOUR;
	}
	return reader_status(r) < 0 ? GUARD_MALFORMED : check_nd_options(self, r);
}

// A hop-by-hop header is let through before a multicast listener's report only, which has to have
// one (RFC 2710, RFC 3810).
static enum guard_verdict check_hop_by_hop(struct reader *r)
{
	uint8_t next = reader_u8(r);
	uint8_t units = reader_u8(r);
	uint8_t type;

	reader_skip(r, 6 + units * 8u);
	type = reader_u8(r);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	if (next != IP_PROTOCOL_ICMPV6 ||
	    (type != MLD_REPORT && type != MLD_DONE && type != MLD2_REPORT))
		return GUARD_PROTOCOL;
	return GUARD_PASS;
}

// RFC 8200. Of a packet that is longer than the headers in hand, its end is not looked at.
static enum guard_verdict check_ipv6(const struct guard_identity *self, struct reader *r,
                                     size_t packet_len)
{
	uint8_t first = reader_u8(r);
	struct span source;
	uint8_t next;
	uint32_t len;
	bool whole;

	reader_skip(r, 3);
	len = reader_be16(r);
	next = reader_u8(r);
	reader_skip(r, 1);
	source = reader_bytes(r, 16);
	reader_skip(r, 16);
	if (reader_status(r) < 0 || first >> 4 != 6 || len + IPV6_HEADER_LEN > packet_len)
		return GUARD_MALFORMED;
	// Without an address, it may only ask whether one is free (RFC 4862, section 5.4.2) and
	// report what it listens to.
	if (!is_own_ipv6(self, source) &&
	    !(equal(source, zeroes) &&
	      (next == IP_PROTOCOL_ICMPV6 || next == IP_PROTOCOL_HOP_BY_HOP)))
		return GUARD_IPV6;
	whole = len <= r->rest.len;
	if (whole)
		*r = reader_make(r->rest.data, len);
	if (next == IP_PROTOCOL_HOP_BY_HOP)
		return check_hop_by_hop(r);
	if (next == IP_PROTOCOL_UDP)
		return check_udp(r, DHCPV6_SERVER_PORT, DHCPV6_CLIENT_PORT);
	if (next == IP_PROTOCOL_ICMPV6)
		return check_icmpv6(self, r, !equal(source, zeroes), whole);
	// Extension headers could hide a router advertisement behind them (RFC 7113): those that
	// precede an upper layer are not let through.
	switch (next) {
	case 43:   // routing
	case 44:   // fragment
	case 51:   // authentication
	case 60:   // destination options
	case 135:  // mobility
	case 139:  // host identity
	case 140:  // shim6
		return GUARD_PROTOCOL;
	default: return GUARD_PASS;
	}
}

enum guard_verdict guard_check(const struct guard_identity *self, struct span headers,
                               size_t frame_len)
{
	struct reader r = reader_make(headers.data, headers.len);
	uint32_t type;
	struct span source;

	reader_skip(&r, GUARD_MAC_LEN);
	source = reader_bytes(&r, GUARD_MAC_LEN);
	type = reader_be16(&r);
	if (reader_status(&r) < 0 || frame_len < headers.len)
		return GUARD_MALFORMED;
	if (!equal(source, self->mac))
		return GUARD_MAC;
	switch (type) {
	case ETHERTYPE_ARP: return check_arp(self, &r);
	case ETHERTYPE_IPV4: return check_ipv4(self, &r, frame_len - ETHERNET_HEADER_LEN);
	case ETHERTYPE_IPV6: return check_ipv6(self, &r, frame_len - ETHERNET_HEADER_LEN);
	default: return GUARD_PROTOCOL;
	}
}

// Whether an address leads to the host's loopback, for QEMU's user network: those of its subnet
// do, and the loopback's own, of which 0.0.0.0 is one for a connection on Linux.
static bool leads_to_host(const struct guard_closed *closed, struct span address)
{
	uint32_t prefix = closed->prefix_len < 32 ? closed->prefix_len : 32;
	uint32_t bits = 0, subnet = 0;

	for (uint32_t i = 0; i < 4; i++) {
		bits = bits << 8 | address.data[i];
		subnet = subnet << 8 | closed->subnet[i];
	}
	if (bits >> 24 == 127 || bits >> 24 == 0)
		return true;
	return prefix == 0 || (bits ^ subnet) >> (32 - prefix) == 0;
}

// The rest of a segment's first packet: fragments behind it have no ports.
static enum guard_verdict check_closed_ports(const struct guard_closed *closed, struct reader *r,
                                             bool to_host)
{
	uint16_t port;

	reader_skip(r, 2);
	port = reader_be16(r);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	return port == ENGINE_PORT || (to_host && port == closed->forward) ? GUARD_CLOSED
									   : GUARD_PASS;
}

static enum guard_verdict check_closed_ipv4(const struct guard_closed *closed, struct reader *r)
{
	uint32_t header_len = (reader_u8(r) & 15u) * 4, fragment;
	struct span destination;
	uint8_t protocol;

	reader_skip(r, 5);
	fragment = reader_be16(r);
	reader_skip(r, 1);
	protocol = reader_u8(r);
	reader_skip(r, 6);
	destination = reader_bytes(r, 4);
	reader_skip(r, header_len < 20 ? 0 : header_len - 20);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	if (protocol != IP_PROTOCOL_TCP || (fragment & 0x1fff) != 0)
		return GUARD_PASS;
	return check_closed_ports(closed, r, leads_to_host(closed, destination));
}

// What leads to the host's loopback by IPv6 leads to ::1, where nothing of ours listens.
static enum guard_verdict check_closed_ipv6(const struct guard_closed *closed, struct reader *r)
{
	uint8_t next;

	reader_skip(r, 6);
	next = reader_u8(r);
	reader_skip(r, IPV6_HEADER_LEN - 7);
	return next == IP_PROTOCOL_TCP ? check_closed_ports(closed, r, false) : GUARD_PASS;
}

enum guard_verdict guard_check_closed(const struct guard_closed *closed, struct span headers)
{
	struct reader r = reader_make(headers.data, headers.len);

	if (closed->forward == 0)
		return GUARD_PASS;
	reader_skip(&r, 2 * GUARD_MAC_LEN);
	switch (reader_be16(&r)) {
	case ETHERTYPE_IPV4: return check_closed_ipv4(closed, &r);
	case ETHERTYPE_IPV6: return check_closed_ipv6(closed, &r);
	default: return GUARD_PASS;
	}
}

const char *guard_verdict_text(enum guard_verdict verdict)
{
	static const char *const texts[] = {
		[GUARD_PASS] = "passed",
		[GUARD_MALFORMED] = "malformed",
		[GUARD_MAC] = "foreign source MAC",
		[GUARD_IPV4] = "foreign source IPv4 address",
		[GUARD_IPV6] = "foreign source IPv6 address",
		[GUARD_ARP] = "ARP for a foreign address",
		[GUARD_NEIGHBOUR] = "neighbour discovery for a foreign address",
		[GUARD_ROUTER] = "router advertisement or redirect",
		[GUARD_DHCP_SERVER] = "DHCP server's message",
		[GUARD_PROTOCOL] = "protocol that is not let through",
		[GUARD_CLOSED] = "for a port that is closed to virtual machines",
		[GUARD_NETWORK] = "for somebody with whom it shares no network",
		[GUARD_OFFLOAD] = "checksum or segmentation offload that does not fit the headers",
	};

	if ((size_t)verdict >= sizeof(texts) / sizeof(texts[0]))
		return "unknown";
	return texts[verdict];
}
