// SPDX-License-Identifier: MIT
#include "apps/netswitch/guard.h"

#include "libs/base/string.h"

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_ARP 0x0806u
#define ETHERTYPE_IPV6 0x86ddu

#define IP_PROTOCOL_UDP 17u
#define IP_PROTOCOL_ICMPV6 58u

// What comes from a server's port or goes to a client's is a server's.
#define DHCP_SERVER_PORT 67u
#define DHCP_CLIENT_PORT 68u
#define DHCPV6_SERVER_PORT 547u
#define DHCPV6_CLIENT_PORT 546u

// RFC 4861, section 4.
#define ND_ROUTER_ADVERTISEMENT 134u
#define ND_NEIGHBOUR_SOLICITATION 135u
#define ND_NEIGHBOUR_ADVERTISEMENT 136u
#define ND_REDIRECT 137u
#define ND_OPTION_SOURCE_MAC 1u
#define ND_OPTION_TARGET_MAC 2u

static const uint8_t zeroes[16];

static bool equal(struct span bytes, const uint8_t *other)
{
	return bytes.data != NULL && memcmp(bytes.data, other, bytes.len) == 0;
}

void guard_link_local(const uint8_t mac[GUARD_MAC_LEN], uint8_t out[16])
{
	memset(out, 0, 16);
	out[0] = 0xfe;
	out[1] = 0x80;
	out[8] = mac[0] ^ 2;
	out[9] = mac[1];
	out[10] = mac[2];
	out[11] = 0xff;
	out[12] = 0xfe;
	out[13] = mac[3];
	out[14] = mac[4];
	out[15] = mac[5];
}

static bool is_own_ipv6(const struct guard_identity *self, struct span address)
{
	uint8_t link_local[16];

	guard_link_local(self->mac, link_local);
	return equal(address, link_local) || (self->has_ipv6 && equal(address, self->ipv6));
}

// RFC 826. Whatever the operation: the sender's addresses are what others learn.
static enum guard_verdict check_arp(const struct guard_identity *self, struct reader *r)
{
	uint32_t hardware = reader_be16(r), protocol = reader_be16(r);
	uint8_t hardware_len = reader_u8(r), protocol_len = reader_u8(r);
	struct span mac, ip;

	reader_skip(r, 2);  // operation
	mac = reader_bytes(r, GUARD_MAC_LEN);
	ip = reader_bytes(r, 4);
	reader_skip(r, GUARD_MAC_LEN + 4);
	if (reader_status(r) < 0 || hardware != 1 || protocol != ETHERTYPE_IPV4 || hardware_len != GUARD_MAC_LEN ||
	    protocol_len != 4)
		return GUARD_MALFORMED;
	// A probe for whether an address is free has no sender's (RFC 5227).
	if (!equal(mac, self->mac) || (!equal(ip, self->ipv4) && !equal(ip, zeroes)))
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
static enum guard_verdict check_ipv4(const struct guard_identity *self, struct reader *r)
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
	if (reader_status(r) < 0 || first >> 4 != 4 || header_len < 20 || total < header_len)
		return GUARD_MALFORMED;
	if (!equal(source, self->ipv4))
		return GUARD_IPV4;
	reader_skip(r, header_len - 20);
	// What follows the first fragment has no ports; without the first it is never put together. A first fragment that ends
	// within the ports is malformed.
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
		if ((type == ND_OPTION_SOURCE_MAC || type == ND_OPTION_TARGET_MAC) && !equal(value, self->mac))
			return GUARD_NEIGHBOUR;
	}
	return GUARD_PASS;
}

// RFC 4861, sections 4.2 to 4.5. `r` ends with the packet.
static enum guard_verdict check_icmpv6(const struct guard_identity *self, struct reader *r, bool has_source)
{
	uint8_t type = reader_u8(r);
	struct span target;

	reader_skip(r, 3);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	if (type == ND_ROUTER_ADVERTISEMENT || type == ND_REDIRECT)
		return GUARD_ROUTER;
	if (!has_source && type != ND_NEIGHBOUR_SOLICITATION)
		return GUARD_IPV6;
	if (type != ND_NEIGHBOUR_SOLICITATION && type != ND_NEIGHBOUR_ADVERTISEMENT)
		return GUARD_PASS;
	reader_skip(r, 4);
	target = reader_bytes(r, 16);
	if (reader_status(r) < 0)
		return GUARD_MALFORMED;
	if (type == ND_NEIGHBOUR_ADVERTISEMENT && !is_own_ipv6(self, target))
		return GUARD_NEIGHBOUR;
	return check_nd_options(self, r);
}

// RFC 8200.
static enum guard_verdict check_ipv6(const struct guard_identity *self, struct reader *r)
{
	uint8_t first = reader_u8(r);
	struct span source, payload;
	uint8_t next;
	uint32_t len;

	reader_skip(r, 3);
	len = reader_be16(r);
	next = reader_u8(r);
	reader_skip(r, 1);
	source = reader_bytes(r, 16);
	reader_skip(r, 16);
	payload = reader_bytes(r, len);
	if (reader_status(r) < 0 || first >> 4 != 6)
		return GUARD_MALFORMED;
	// Without an address, it may only ask whether one is free (RFC 4862, section 5.4.2).
	if (!is_own_ipv6(self, source) && !(equal(source, zeroes) && next == IP_PROTOCOL_ICMPV6))
		return GUARD_IPV6;
	*r = reader_make(payload.data, payload.len);
	if (next == IP_PROTOCOL_UDP)
		return check_udp(r, DHCPV6_SERVER_PORT, DHCPV6_CLIENT_PORT);
	if (next == IP_PROTOCOL_ICMPV6)
		return check_icmpv6(self, r, !equal(source, zeroes));
	// Extension headers could hide a router advertisement behind them (RFC 7113): those that precede an upper layer
	// are not let through.
	switch (next) {
	case 0:    // hop-by-hop options
	case 43:   // routing
	case 44:   // fragment
	case 51:   // authentication
	case 60:   // destination options
	case 135:  // mobility
	case 139:  // host identity
	case 140:  // shim6
		return GUARD_PROTOCOL;
	default:
		return GUARD_PASS;
	}
}

enum guard_verdict guard_check(const struct guard_identity *self, struct span frame)
{
	struct reader r = reader_make(frame.data, frame.len);
	uint32_t type;
	struct span source;

	reader_skip(&r, GUARD_MAC_LEN);
	source = reader_bytes(&r, GUARD_MAC_LEN);
	type = reader_be16(&r);
	if (reader_status(&r) < 0)
		return GUARD_MALFORMED;
	if (!equal(source, self->mac))
		return GUARD_MAC;
	switch (type) {
	case ETHERTYPE_ARP:
		return check_arp(self, &r);
	case ETHERTYPE_IPV4:
		return check_ipv4(self, &r);
	case ETHERTYPE_IPV6:
		return check_ipv6(self, &r);
	default:
		return GUARD_PROTOCOL;
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
	};

	if ((size_t)verdict >= sizeof(texts) / sizeof(texts[0]))
		return "unknown";
	return texts[verdict];
}
