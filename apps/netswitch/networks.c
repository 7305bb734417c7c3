// SPDX-License-Identifier: MIT
//
// Networks of virtual machines: who is in which, with which address, and what may go between two
// ports. Whoever is in a network has an address of it besides the one that the switch gave it. The
// guest chooses between them by its routes, so nothing is translated here: a frame belongs to the
// network that its sender's address is of.
#include "apps/netswitch/switch.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_ARP 0x0806u
#define ETHERTYPE_IPV6 0x86ddu
#define ARP_FRAME_LEN 42u
#define IP_PROTOCOL_TCP 6u
#define IP_PROTOCOL_UDP 17u
#define DNS_PORT 53u

// --- Membership ----------------------------------------------------------------------------------

static bool same_address(const uint8_t a[4], const uint8_t b[4])
{
	return memcmp(a, b, 4) == 0;
}

static const struct netdev_membership *find_network(const struct port *port, uint32_t network)
{
	for (size_t i = 0; i < port->num_networks; i++)
		if (port->networks[i].network == network)
			return &port->networks[i];
	return NULL;
}

static const struct netdev_membership *find_address(const struct port *port,
                                                    const uint8_t address[4])
{
	for (size_t i = 0; i < port->num_networks; i++)
		if (same_address(port->networks[i].address, address))
			return &port->networks[i];
	return NULL;
}

// What follows from the port's networks.
static void update(struct port *port)
{
	port->identity.num_more = port->num_networks;
	for (size_t i = 0; i < port->num_networks; i++)
		memcpy(port->identity.more_ipv4[i], port->networks[i].address, 4);
	port->is_plain = port->num_networks == 0 &&
		port->reach == (NETDEV_REACH_UPLINK | NETDEV_REACH_BRIDGE);
}

_Static_assert(GUARD_MORE_MAX == NETDEV_NETWORKS_MAX, "an address in each network");

// An address of a host (RFC 1122, section 3.2.1.3), and the first in its network.
static bool is_good(const struct port *port, const struct netdev_membership *entry)
{
	return entry->network != 0 && entry->prefix_len >= 1 && entry->prefix_len <= 30 &&
		entry->address[0] != 0 && entry->address[0] != 127 && entry->address[0] < 224 &&
		!same_address(entry->address, port->identity.ipv4) &&
		find_network(port, entry->network) == NULL &&
		find_address(port, entry->address) == NULL;
}

// The last who was given an address has it: the one before has ended, as a rule.
static void take_from_others(struct port *port, const uint8_t address[4])
{
	list_for_each(entry, &port->sw->vm_ports) {
		struct port *other = container_of(entry, struct port, entry);
		const struct netdev_membership *found = find_address(other, address);
		size_t at;

		if (other == port || found == NULL)
			continue;
		at = (size_t)(found - other->networks);
		other->networks[at] = other->networks[--other->num_networks];
		update(other);
		ports_tell(other, false);
	}
}

// An ARP announcement (RFC 5227, section 2.3), as its sender would make it: who knew the address
// with another machine's MAC address forgets that.
static void announce(struct port *port, const struct netdev_membership *membership)
{
	struct msg_netdev_frame meta = { .length = ARP_FRAME_LEN };
	uint8_t bytes[ARP_FRAME_LEN];
	struct writer w = writer_make(bytes, sizeof(bytes));
	struct message m;

	writer_be32(&w, 0xffffffff);
	writer_be16(&w, 0xffff);
	writer_bytes(&w, port->mac, NETDEV_MAC_LEN);
	writer_be16(&w, ETHERTYPE_ARP);
	writer_be16(&w, 1);  // Ethernet
	writer_be16(&w, ETHERTYPE_IPV4);
	writer_u8(&w, NETDEV_MAC_LEN);
	writer_u8(&w, 4);
	writer_be16(&w, 1);  // a request
	writer_bytes(&w, port->mac, NETDEV_MAC_LEN);
	writer_bytes(&w, membership->address, 4);
	writer_zero(&w, NETDEV_MAC_LEN);
	writer_bytes(&w, membership->address, 4);
	list_for_each(entry, &port->sw->vm_ports) {
		struct port *to = container_of(entry, struct port, entry);

		if (to == port || !to->up || find_network(to, membership->network) == NULL)
			continue;
		if (message_encode_netdev_frame(&m, &meta, bytes, sizeof(bytes)) == 0)
			port_send(to, &m, NULL);
	}
}

static void set_mac(struct port *port, const uint8_t mac[NETDEV_MAC_LEN])
{
	memcpy(port->mac, mac, NETDEV_MAC_LEN);
	memcpy(port->identity.mac, mac, NETDEV_MAC_LEN);
}

static void set_own_mac(struct port *port)
{
	uint8_t mac[NETDEV_MAC_LEN];

	pool_mac(port->identity.ipv4, mac);
	set_mac(port, mac);
}

// As with IP addresses. What the one before sends is dropped from now on.
static void take_mac_from_others(const struct port *port)
{
	list_for_each(entry, &port->sw->vm_ports) {
		struct port *other = container_of(entry, struct port, entry);
		const uint8_t *ip = other->identity.ipv4;

		if (other == port || !other->up ||
		    memcmp(other->mac, port->wanted_mac, NETDEV_MAC_LEN) != 0)
			continue;
		log_warn("port %u.%u.%u.%u: another one has its MAC address now", ip[0], ip[1],
		         ip[2], ip[3]);
		vm_port_tell_gone(other);
		memset(other->wanted_mac, 0, sizeof(other->wanted_mac));
		set_own_mac(other);
	}
}

void networks_name(struct port *port)
{
	const uint8_t *ip = port->identity.ipv4;

	if (netdev_mac_is_free(port->wanted_mac) &&
	    memcmp(port->wanted_mac, port->sw->info.mac, NETDEV_MAC_LEN) != 0) {
		take_mac_from_others(port);
		set_mac(port, port->wanted_mac);
		return;
	}
	if (netdev_mac_is_set(port->wanted_mac))
		log_warn("port %u.%u.%u.%u: it cannot have the MAC address that it asks for", ip[0],
		         ip[1], ip[2], ip[3]);
	set_own_mac(port);
}

void networks_announce(struct port *port)
{
	for (size_t i = 0; i < port->num_networks; i++)
		announce(port, &port->networks[i]);
}

void networks_set(struct port *port, const struct netdev_networks *networks)
{
	struct port before = *port;

	port->is_managed = true;
	port->reach = networks->reach & (NETDEV_REACH_UPLINK | NETDEV_REACH_BRIDGE);
	port->num_networks = 0;
	memcpy(port->wanted_mac, networks->mac, NETDEV_MAC_LEN);
	if (port->up)
		networks_name(port);
	for (size_t i = 0; i < NETDEV_NETWORKS_MAX; i++) {
		const struct netdev_membership *entry = &networks->entries[i];
		const struct netdev_membership *old = find_network(&before, entry->network);

		if (!is_good(port, entry))
			continue;
		take_from_others(port, entry->address);
		port->networks[port->num_networks++] = *entry;
		if (port->up && (old == NULL || !same_address(old->address, entry->address)))
			announce(port, entry);
	}
	update(port);
	ports_tell(port, false);
}

// --- Frames --------------------------------------------------------------------------------------

// What of a frame says where it belongs. The sender's headers have been judged by the guard, if it
// is a virtual machine.
struct addresses {
	uint32_t type;
	bool to_all;
	uint8_t source[4];       // who speaks; in an ARP probe, the address that it asks about
	uint8_t destination[4];  // not of ARP
	uint8_t protocol;
	uint16_t source_port;  // 0 without TCP and UDP, and behind a first fragment
	uint16_t destination_port;
};

static void read_arp(struct reader *r, struct addresses *out)
{
	static const uint8_t none[4];

	reader_skip(r, 8 + NETDEV_MAC_LEN);
	reader_copy(r, out->source, 4);
	reader_skip(r, NETDEV_MAC_LEN);
	if (same_address(out->source, none))
		reader_copy(r, out->source, 4);
}

static void read_ipv4(struct reader *r, struct addresses *out)
{
	uint32_t header_len = (reader_u8(r) & 15u) * 4, fragment;

	reader_skip(r, 5);
	fragment = reader_be16(r);
	reader_skip(r, 1);
	out->protocol = reader_u8(r);
	reader_skip(r, 2);
	reader_copy(r, out->source, 4);
	reader_copy(r, out->destination, 4);
	if ((out->protocol != IP_PROTOCOL_TCP && out->protocol != IP_PROTOCOL_UDP) ||
	    (fragment & 0x1fff) != 0 || header_len < 20)
		return;
	reader_skip(r, header_len - 20);
	out->source_port = reader_be16(r);
	out->destination_port = reader_be16(r);
}

static struct addresses read_addresses(struct span headers)
{
	struct reader r = reader_make(headers.data, headers.len);
	struct addresses out = { 0 };

	out.to_all = (reader_u8(&r) & 1) != 0;
	reader_skip(&r, 2 * NETDEV_MAC_LEN - 1);
	out.type = reader_be16(&r);
	if (out.type == ETHERTYPE_ARP)
		read_arp(&r, &out);
	else if (out.type == ETHERTYPE_IPV4)
		read_ipv4(&r, &out);
	return out;
}

// IPv6 has no networks of its own: those who share any network share it.
static bool share_any(const struct port *a, const struct port *b)
{
	if ((a->reach & b->reach & NETDEV_REACH_BRIDGE) != 0)
		return true;
	for (size_t i = 0; i < a->num_networks; i++)
		if (find_network(b, a->networks[i].network) != NULL)
			return true;
	return false;
}

static uint32_t be32(const uint8_t a[4])
{
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

// A packet is for the address that its receiver has in the sender's network: through a machine that
// is in two of them nobody reaches the other one. Or it is for a group, by its IP address as well:
// multicast, or the broadcast of the link or of that network.
static bool is_for(const struct addresses *a, const uint8_t address[4], uint32_t prefix_len)
{
	uint32_t to, host = prefix_len < 32 ? UINT32_MAX >> prefix_len : 0;

	if (a->type == ETHERTYPE_ARP || same_address(a->destination, address))
		return true;
	if (!a->to_all)
		return false;
	to = be32(a->destination);
	return to >> 28 == 14 || to == UINT32_MAX || to == (be32(address) | host);
}

static bool allow_between(const struct port *from, const struct port *to, const struct addresses *a)
{
	const struct netdev_membership *own, *other;

	if (a->type == ETHERTYPE_IPV6)
		return share_any(from, to);
	if (same_address(a->source, from->identity.ipv4))
		return (from->reach & to->reach & NETDEV_REACH_BRIDGE) != 0 &&
			is_for(a, to->identity.ipv4, to->sw->network.prefix_len);
	own = find_address(from, a->source);
	other = own != NULL ? find_network(to, own->network) : NULL;
	return other != NULL && is_for(a, other->address, other->prefix_len);
}

bool networks_allow(const struct port *from, const struct port *to, struct span headers)
{
	struct addresses a = read_addresses(headers);

	if (from->kind == PORT_VM && to->kind == PORT_VM)
		return allow_between(from, to, &a);
	if (from->kind == PORT_VM) {
		if (a.type != ETHERTYPE_IPV6 && !same_address(a.source, from->identity.ipv4))
			return false;
		if ((from->reach & NETDEV_REACH_UPLINK) != 0)
			return true;
		return to->kind == PORT_OWN &&
			(a.type == ETHERTYPE_ARP || a.destination_port == DNS_PORT);
	}
	if (to->kind != PORT_VM || (to->reach & NETDEV_REACH_UPLINK) != 0)
		return true;
	return from->kind == PORT_OWN && (a.type == ETHERTYPE_ARP || a.source_port == DNS_PORT);
}
