// SPDX-License-Identifier: MIT
//
// Who may speak with whom, and in which name.
#include "apps/netswitch/switch_fake.h"

#include <string.h>

#define UPLINK_ONLY NETDEV_REACH_UPLINK
#define ALL (NETDEV_REACH_UPLINK | NETDEV_REACH_BRIDGE)
#define TCP 6
#define UDP 17

static const uint8_t none[4];
static const uint8_t front_a[4] = { 172, 18, 0, 2 }, front_b[4] = { 172, 18, 0, 3 };
static const uint8_t back_b[4] = { 172, 19, 0, 2 }, back_c[4] = { 172, 19, 0, 3 };
static const uint8_t own_ip[4] = { 10, 0, 2, 15 }, far_ip[4] = { 9, 9, 9, 9 };

enum { FRONT = 1, BACK = 2 };

static void tell(handle_t channel, uint32_t reach, const uint8_t front[4], const uint8_t back[4])
{
	struct msg_netdev_networks told = { .networks = { .reach = reach } };
	struct netdev_membership *entries = told.networks.entries;
	struct message m;

	// Entries may be unused anywhere.
	entries[3] = (struct netdev_membership){ .network = FRONT, .prefix_len = 16 };
	entries[7] = (struct netdev_membership){ .network = BACK, .prefix_len = 16 };
	memcpy(entries[3].address, front, 4);
	memcpy(entries[7].address, back, 4);
	assert_int_equal(message_encode_netdev_networks(&m, &told, NULL, 0), 0);
	say(channel, &m);
}

static struct port *member(handle_t channel, uint32_t reach, const uint8_t front[4],
                           const uint8_t back[4])
{
	struct port *port = vm(channel, 0);

	tell(channel, reach, front, back);
	return port;
}

static void send_packet(struct port *from, const uint8_t *mac, const uint8_t source[4],
                        const uint8_t destination[4], uint8_t protocol, uint16_t source_port,
                        uint16_t destination_port)
{
	struct message m = frame(mac, from, 60, (struct msg_netdev_frame){ 0 });
	uint8_t *bytes = m.data + sizeof(struct msg_netdev_frame);

	bytes[23] = protocol;
	memcpy(bytes + 26, source, 4);
	memcpy(bytes + 30, destination, 4);
	bytes[34] = (uint8_t)(source_port >> 8);
	bytes[35] = (uint8_t)source_port;
	bytes[36] = (uint8_t)(destination_port >> 8);
	bytes[37] = (uint8_t)destination_port;
	frame_forward(from, &m);
}

static void send_arp(struct port *from, const uint8_t *mac, const uint8_t source[4],
                     const uint8_t target[4])
{
	struct message m = frame(mac, from, 60, (struct msg_netdev_frame){ 0 });
	uint8_t *bytes = m.data + sizeof(struct msg_netdev_frame);
	static const uint8_t head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };

	memset(bytes + 12, 0, 48);
	memcpy(bytes + 12, head, sizeof(head));
	memcpy(bytes + 22, from->kind == PORT_VM ? from->mac : far_mac, 6);
	memcpy(bytes + 28, source, 4);
	memcpy(bytes + 38, target, 4);
	frame_forward(from, &m);
}

static size_t take(handle_t channel)
{
	size_t len = channels[channel].len;

	drain(channel);
	return len;
}

// How many of the four have got it: uplink, our own stack, and then the machines as bits.
static unsigned who_got(void)
{
	unsigned got = 0;

	for (handle_t channel = UPLINK; channel <= VM + 3; channel++)
		if (take(channel) > 0)
			got |= 1u << channel;
	return got;
}

#define GOT(channel) (1u << (channel))

static void two_networks(void **state)
{
	struct port *a, *b, *c, *d;

	(void)state;
	give_network();
	a = member(VM, UPLINK_ONLY, front_a, none);
	b = member(VM + 1, UPLINK_ONLY, front_b, back_b);
	c = member(VM + 2, UPLINK_ONLY, none, back_c);
	d = vm(VM + 3, 0);
	who_got();
	send_packet(a, b->mac, front_a, front_b, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 1));
	send_packet(b, a->mac, front_b, front_a, TCP, 2, 1);
	assert_int_equal(who_got(), GOT(VM));
	send_packet(b, c->mac, back_b, back_c, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 2));
	// Not in each other's network, nor through who is in both.
	send_packet(a, c->mac, front_a, back_c, TCP, 1, 2);
	send_packet(a, b->mac, front_a, back_b, TCP, 1, 2);
	send_packet(b, a->mac, back_b, front_a, TCP, 1, 2);
	// Not by the addresses that they have for the uplink.
	send_packet(a, b->mac, a->identity.ipv4, b->identity.ipv4, TCP, 1, 2);
	send_packet(a, d->mac, a->identity.ipv4, d->identity.ipv4, TCP, 1, 2);
	send_packet(d, a->mac, d->identity.ipv4, a->identity.ipv4, TCP, 1, 2);
	// In nobody else's name, and not in the name of a network to the outside.
	send_packet(a, b->mac, front_b, front_b, TCP, 1, 2);
	send_packet(a, c->mac, back_c, back_c, TCP, 1, 2);
	send_packet(a, far_mac, front_a, far_ip, TCP, 1, 2);
	send_packet(a, own_mac, front_a, own_ip, UDP, 1, 53);
	assert_int_equal(who_got(), 0);
	send_packet(a, far_mac, a->identity.ipv4, far_ip, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(UPLINK));
	send_packet(&sw.uplink, a->mac, far_ip, a->identity.ipv4, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(VM));
}

static void say_mac(handle_t channel, const char *mac)
{
	struct msg_netdev_networks told = { .networks = { .reach = ALL } };
	struct message m;

	memcpy(told.networks.mac, mac, 6);
	assert_int_equal(message_encode_netdev_networks(&m, &told, NULL, 0), 0);
	say(channel, &m);
}

// A machine has the MAC address that it asks for, unless that leads elsewhere.
static void wanted_mac(void **state)
{
	static const char wanted[] = "\2\x42\xac\x11\0\xa", other[] = "\2\x42\xac\x11\0\xb";
	static const char *const bad[] = { "\0\0\0\0\0\0", "\3\x42\0\0\0\1", "\x52\x55\xa\0\2\2",
		                           "\2\x53\xa\0\2\x65", (const char *)own_mac };
	struct port *a, *b;
	uint8_t given[6];

	(void)state;
	give_network();
	a = vm(VM, 0);
	say_mac(VM, wanted);
	b = vm(VM + 1, 0);
	memcpy(given, b->mac, 6);
	assert_memory_equal(a->mac, wanted, 6);
	assert_memory_equal(a->identity.mac, wanted, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		say_mac(VM + 1, bad[i]);
		assert_memory_equal(b->mac, given, 6);
	}
	who_got();
	send_packet(b, a->mac, b->identity.ipv4, a->identity.ipv4, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(VM));
	say_mac(VM + 1, other);
	assert_memory_equal(b->mac, other, 6);
	assert_memory_equal(b->identity.mac, other, 6);
	send_packet(a, b->mac, a->identity.ipv4, b->identity.ipv4, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 1));
}

// Who asks last is called so: the port of a machine that has ended may be there still. Our own
// stack hears that the one before is gone.
static void mac_moves(void **state)
{
	static const char wanted[] = "\2\x42\xac\x11\0\xa";
	struct msg_netdev_gone gone;
	const uint8_t *tail;
	size_t tail_len;
	struct port *a, *b;
	uint8_t given[6];

	(void)state;
	give_network();
	a = vm(VM, 0);
	b = vm(VM + 1, 0);
	memcpy(given, a->mac, 6);
	say_mac(VM, wanted);
	who_got();
	say_mac(VM + 1, wanted);
	assert_memory_equal(b->mac, wanted, 6);
	assert_memory_equal(b->identity.mac, wanted, 6);
	assert_memory_equal(a->mac, given, 6);
	assert_memory_equal(a->identity.mac, given, 6);
	assert_int_equal(channels[OWN].len, 1);
	assert_int_equal(
		message_decode_netdev_gone(&channels[OWN].queue[0], &gone, &tail, &tail_len), 0);
	assert_memory_equal(gone.mac, wanted, 6);
	assert_memory_equal(gone.address, a->identity.ipv4, 4);
	// It is not the first one's again when the new one is told its networks once more, or goes.
	say_mac(VM + 1, wanted);
	say_mac(VM + 1, "\0\0\0\0\0\0");
	assert_memory_equal(a->mac, given, 6);
	who_got();
	send_packet(&sw.uplink, (const uint8_t *)wanted, far_ip, b->identity.ipv4, TCP, 1, 2);
	assert_int_equal(who_got() & (GOT(VM) | GOT(VM + 1)), 0);
}

static void to_all(void **state)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 }, mdns[4] = { 224, 0, 0, 251 };
	static const uint8_t front_all[4] = { 172, 18, 255, 255 };
	static const uint8_t back_all[4] = { 172, 19, 255, 255 };
	static const uint8_t group_mac[6] = { 1, 0, 0x5e, 0, 0, 251 };
	struct port *a, *b;

	(void)state;
	give_network();
	a = member(VM, UPLINK_ONLY, front_a, none);
	b = member(VM + 1, UPLINK_ONLY, front_b, back_b);
	member(VM + 2, UPLINK_ONLY, none, back_c);
	vm(VM + 3, 0);
	who_got();
	send_arp(a, everybody, front_a, front_b);
	assert_int_equal(who_got(), GOT(VM + 1));
	send_arp(b, everybody, back_b, back_c);
	assert_int_equal(who_got(), GOT(VM + 2));
	send_arp(a, everybody, none, front_a);
	assert_int_equal(who_got(), GOT(VM + 1));
	send_packet(a, everybody, front_a, broadcast, UDP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 1));
	send_packet(a, group_mac, front_a, mdns, UDP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 1));
	send_packet(a, everybody, front_a, front_all, UDP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 1));
	// Not to another network's address, whatever the MAC address says.
	send_packet(a, everybody, front_a, back_b, UDP, 1, 2);
	send_packet(a, group_mac, front_a, back_b, UDP, 1, 2);
	send_packet(a, everybody, front_a, back_all, UDP, 1, 2);
	assert_int_equal(who_got(), 0);
	send_arp(a, everybody, a->identity.ipv4, own_ip);
	assert_int_equal(who_got(), GOT(UPLINK) | GOT(OWN));
	send_arp(a, everybody, front_b, front_a);
	assert_int_equal(who_got(), 0);
	send_arp(&sw.uplink, everybody, far_ip, a->identity.ipv4);
	assert_int_equal(who_got(), GOT(OWN) | GOT(VM) | GOT(VM + 1) | GOT(VM + 2) | GOT(VM + 3));
}

// Without an uplink names are to be had all the same.
static void internal(void **state)
{
	struct port *a;

	(void)state;
	give_network();
	a = member(VM, 0, front_a, none);
	send_packet(a, far_mac, a->identity.ipv4, far_ip, UDP, 1, 53);
	send_packet(a, own_mac, a->identity.ipv4, own_ip, TCP, 53, 80);
	send_packet(&sw.own, a->mac, own_ip, a->identity.ipv4, TCP, 80, 53);
	send_packet(&sw.uplink, a->mac, far_ip, a->identity.ipv4, UDP, 53, 1);
	assert_int_equal(who_got(), 0);
	send_packet(a, own_mac, a->identity.ipv4, own_ip, UDP, 1, 53);
	assert_int_equal(who_got(), GOT(OWN));
	send_packet(&sw.own, a->mac, own_ip, a->identity.ipv4, UDP, 53, 1);
	assert_int_equal(who_got(), GOT(VM));
	send_arp(a, everybody, a->identity.ipv4, own_ip);
	assert_int_equal(who_got(), GOT(OWN));
	send_arp(&sw.own, a->mac, own_ip, a->identity.ipv4);
	assert_int_equal(who_got(), GOT(VM));
}

static void ipv6(void **state)
{
	struct port *a, *b;

	(void)state;
	give_network();
	a = member(VM, UPLINK_ONLY, front_a, none);
	b = member(VM + 1, UPLINK_ONLY, none, back_b);
	for (unsigned shared = 0; shared <= 1; shared++) {
		struct message m = frame(b->mac, a, 60, (struct msg_netdev_frame){ 0 });
		uint8_t *bytes = m.data + sizeof(struct msg_netdev_frame);

		memset(bytes + 12, 0, 48);
		bytes[12] = 0x86;
		bytes[13] = 0xdd;
		bytes[14] = 0x60;
		bytes[20] = 59;
		bytes[22] = 0xfe;
		bytes[23] = 0x80;
		guard_interface_id(a->mac, bytes + 30);
		who_got();
		frame_forward(a, &m);
		assert_int_equal(who_got(), shared != 0 ? GOT(VM + 1) : 0);
		tell(VM + 1, UPLINK_ONLY, front_b, back_b);
	}
}

// Who comes into a network is announced there; the one who had the address before has it no more.
static void an_address_moves(void **state)
{
	struct port *a, *b, *c;

	(void)state;
	give_network();
	a = member(VM, UPLINK_ONLY, front_a, none);
	b = member(VM + 1, UPLINK_ONLY, front_b, none);
	who_got();
	c = member(VM + 2, UPLINK_ONLY, front_a, none);
	assert_int_equal(channels[VM + 1].len, 1);
	assert_memory_equal(channels[VM + 1].queue[0].data + sizeof(struct msg_netdev_frame) + 6,
	                    c->mac, 6);
	assert_int_equal(who_got(), GOT(VM + 1));
	send_packet(a, b->mac, front_a, front_b, TCP, 1, 2);
	assert_int_equal(who_got(), 0);
	send_packet(c, b->mac, front_a, front_b, TCP, 1, 2);
	assert_int_equal(who_got(), GOT(VM + 1));
	// The same once more is no news.
	tell(VM + 2, UPLINK_ONLY, front_a, none);
	assert_int_equal(who_got(), 0);
	tell(VM + 2, UPLINK_ONLY, none, none);
	send_packet(c, b->mac, front_a, front_b, TCP, 1, 2);
	assert_int_equal(who_got(), 0);
	tell(VM, ALL, none, none);
	assert_true(a->is_plain);
}

// What no address of a host is, is none of a network either.
static void bad_addresses(void **state)
{
	static const uint8_t bad[][4] = { { 0, 1, 2, 3 },
		                          { 127, 0, 0, 1 },
		                          { 224, 0, 0, 1 },
		                          { 255, 255, 255, 255 } };
	struct port *a;

	(void)state;
	give_network();
	a = member(VM, UPLINK_ONLY, front_a, none);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tell(VM, UPLINK_ONLY, bad[i], none);
		assert_int_equal(a->num_networks, 0);
	}
	tell(VM, UPLINK_ONLY, a->identity.ipv4, none);
	assert_int_equal(a->num_networks, 0);
	tell(VM, UPLINK_ONLY, front_a, front_a);
	assert_int_equal(a->num_networks, 1);
}

// Networks may be told before the port is up, as after a restart of the switch. Names are asked of
// our own stack then.
static void before_the_port_is_up(void **state)
{
	struct msg_netdev_join request = { 0 };
	struct msg_netdev_port port;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	(void)state;
	give_network();
	member(VM, UPLINK_ONLY, front_a, none);
	vm_port_accept(&sw, VM + 1);
	tell(VM + 1, UPLINK_ONLY, front_b, none);
	assert_int_equal(take(VM), 0);
	assert_int_equal(message_encode_netdev_join(&m, &request, NULL, 0), 0);
	say(VM + 1, &m);
	assert_int_equal(take(VM), 1);
	assert_int_equal(channels[VM + 1].len, 1);
	assert_int_equal(
		message_decode_netdev_port(&channels[VM + 1].queue[0], &port, &tail, &tail_len), 0);
	assert_memory_equal(port.network.dns[0], own_ip, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		switch_case(two_networks),
		switch_case(wanted_mac),
		switch_case(mac_moves),
		switch_case(to_all),
		switch_case(internal),
		switch_case(ipv6),
		switch_case(an_address_moves),
		switch_case(bad_addresses),
		switch_case(before_the_port_is_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
