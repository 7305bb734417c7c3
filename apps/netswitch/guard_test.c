// SPDX-License-Identifier: MIT
//
// Frames of a hostile guest, and those of one that only wants its network.
#include "apps/netswitch/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/abi/engine.h"

static const struct guard_identity self = {
	.mac = { 0x52, 0x54, 0, 0xaa, 0xbb, 1 },
	.ipv4 = { 10, 0, 2, 100 },
};
// Of its MAC address, with any prefix.
static const uint8_t own_ipv6[16] = { 0xfd, 0, [8] = 0x50, 0x54, 0, 0xff, 0xfe, 0xaa, 0xbb, 1 };
static const uint8_t link_local[16] = {
	0xfe, 0x80, [8] = 0x50, 0x54, 0, 0xff, 0xfe, 0xaa, 0xbb, 1
};
static const uint8_t other_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
static const uint8_t gateway[4] = { 10, 0, 2, 2 };
static const uint8_t other_ipv6[16] = { 0xfd, 0, [15] = 2 };
static const uint8_t nothing[16];

static uint8_t frame[1514];
static struct writer w;

static void begin(const uint8_t *source_mac, uint16_t type)
{
	w = writer_make(frame, sizeof(frame));
	writer_bytes(&w, other_mac, 6);
	writer_bytes(&w, source_mac, 6);
	writer_be16(&w, type);
}

// The frame lies in memory that ends with it, so that ASan sees a read beyond.
static enum guard_verdict check_len(const struct guard_identity *who, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	enum guard_verdict verdict;

	memcpy(copy + 1, frame, len);
	verdict = guard_check(who, (struct span){ .data = copy + 1, .len = len }, len);
	free(copy);
	return verdict;
}

// A frame of which not more is in hand than w and GUARD_HEADERS say.
static enum guard_verdict check_part(size_t frame_len)
{
	return guard_check(&self,
	                   (struct span){ .data = frame,
	                                  .len = w.len < GUARD_HEADERS ? w.len : GUARD_HEADERS },
	                   frame_len);
}

static enum guard_verdict check(void)
{
	enum guard_verdict verdict = check_len(&self, w.len);

	// Cut anywhere, it is judged without a look beyond; and never passes when the whole does
	// not.
	for (size_t len = 0; len < w.len; len++) {
		enum guard_verdict cut = check_len(&self, len);

		assert_true(verdict == GUARD_PASS || cut != GUARD_PASS);
	}
	return verdict;
}

static enum guard_verdict arp_for(const uint8_t *mac, const uint8_t *sender_mac,
                                  const uint8_t *sender_ip, const uint8_t *target)
{
	begin(mac, 0x0806);
	writer_be16(&w, 1);
	writer_be16(&w, 0x0800);
	writer_u8(&w, 6);
	writer_u8(&w, 4);
	writer_be16(&w, 2);
	writer_bytes(&w, sender_mac, 6);
	writer_bytes(&w, sender_ip, 4);
	writer_bytes(&w, other_mac, 6);
	writer_bytes(&w, target, 4);
	return check();
}

static enum guard_verdict arp(const uint8_t *mac, const uint8_t *sender_mac,
                              const uint8_t *sender_ip)
{
	return arp_for(mac, sender_mac, sender_ip, gateway);
}

static void ipv4(const uint8_t *source, uint8_t protocol, uint32_t options, uint16_t fragment)
{
	begin(self.mac, 0x0800);
	writer_u8(&w, (uint8_t)(0x45 + options));
	writer_u8(&w, 0);
	writer_be16(&w, (uint16_t)(40 + options * 4));
	writer_be16(&w, 1);
	writer_be16(&w, fragment);
	writer_u8(&w, 64);
	writer_u8(&w, protocol);
	writer_be16(&w, 0);
	writer_bytes(&w, source, 4);
	writer_bytes(&w, gateway, 4);
	writer_zero(&w, options * 4);
}

static void ports(uint16_t source, uint16_t destination)
{
	writer_be16(&w, source);
	writer_be16(&w, destination);
	writer_be16(&w, 20);
	writer_be16(&w, 0);
	writer_zero(&w, 12);
}

static void ipv6(const uint8_t *source, uint8_t next, uint16_t len)
{
	begin(self.mac, 0x86dd);
	writer_be32(&w, 0x60000000);
	writer_be16(&w, len);
	writer_u8(&w, next);
	writer_u8(&w, 255);
	writer_bytes(&w, source, 16);
	writer_bytes(&w, other_ipv6, 16);
}

// A neighbour discovery message about `target`, with an option of type `option` that tells `mac`
// (NULL: without).
static enum guard_verdict neighbour(const uint8_t *source, uint8_t type, const uint8_t *target,
                                    uint8_t option, const uint8_t *mac)
{
	ipv6(source, 58, mac != NULL ? 32 : 24);
	writer_u8(&w, type);
	writer_zero(&w, 7);
	writer_bytes(&w, target, 16);
	if (mac != NULL) {
		writer_u8(&w, option);
		writer_u8(&w, 1);
		writer_bytes(&w, mac, 6);
	}
	return check();
}

static void test_mac(void **state)
{
	(void)state;
	assert_int_equal(arp(self.mac, self.mac, self.ipv4), GUARD_PASS);
	assert_int_equal(arp(other_mac, other_mac, self.ipv4), GUARD_MAC);
	begin(nothing, 0x0800);
	assert_int_equal(check_len(&self, w.len), GUARD_MAC);
	assert_int_equal(check_len(&self, 0), GUARD_MALFORMED);
	assert_int_equal(check_len(&self, 13), GUARD_MALFORMED);
}

static void test_protocols(void **state)
{
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x88cc, 0x888e, 0, 46, 0xffff };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin(self.mac, types[i]);
		writer_zero(&w, 60);
		assert_int_equal(check(), GUARD_PROTOCOL);
	}
}

static void test_arp(void **state)
{
	(void)state;
	assert_int_equal(arp_for(self.mac, self.mac, nothing, self.ipv4), GUARD_PASS);  // a probe
	assert_int_equal(arp_for(self.mac, self.mac, nothing, gateway), GUARD_ARP);
	assert_int_equal(arp(self.mac, self.mac, gateway), GUARD_ARP);
	assert_int_equal(arp(self.mac, other_mac, self.ipv4), GUARD_ARP);
	assert_int_equal(arp(self.mac, self.mac, self.ipv4), GUARD_PASS);
	frame[18] = 8;  // odd lengths, which would shift the fields
	assert_int_equal(check(), GUARD_MALFORMED);
}

static void test_ipv4(void **state)
{
	(void)state;
	ipv4(self.ipv4, 6, 0, 0);
	ports(1000, 80);
	assert_int_equal(check(), GUARD_PASS);
	ipv4(gateway, 6, 0, 0);
	ports(1000, 80);
	assert_int_equal(check(), GUARD_IPV4);
	ipv4(nothing, 17, 0, 0);
	ports(68, 67);
	assert_int_equal(check(), GUARD_IPV4);
	ipv4(self.ipv4, 6, 0, 0);
	ports(1000, 80);
	frame[14] = 0x44;  // a header shorter than a header
	assert_int_equal(check(), GUARD_MALFORMED);
	frame[14] = 0x65;
	assert_int_equal(check(), GUARD_MALFORMED);
	frame[14] = 0x45;
	frame[17] = 19;  // a packet shorter than its header
	frame[16] = 0;
	assert_int_equal(check(), GUARD_MALFORMED);
}

static void test_dhcp_server(void **state)
{
	(void)state;
	for (uint32_t options = 0; options <= 10; options += 5) {
		ipv4(self.ipv4, 17, options, 0);
		ports(67, 68);
		assert_int_equal(check(), GUARD_DHCP_SERVER);
		ipv4(self.ipv4, 17, options, 0);
		ports(5000, 68);
		assert_int_equal(check(), GUARD_DHCP_SERVER);
		ipv4(self.ipv4, 17, options, 0x2000);  // a first fragment
		ports(67, 5000);
		assert_int_equal(check(), GUARD_DHCP_SERVER);
		ipv4(self.ipv4, 17, options, 0);
		ports(68, 67);  // a client's
		assert_int_equal(check(), GUARD_PASS);
		ipv4(self.ipv4, 17, options, 100);  // no ports here
		ports(67, 68);
		assert_int_equal(check(), GUARD_PASS);
	}
	ipv6(own_ipv6, 17, 20);
	ports(547, 546);
	assert_int_equal(check(), GUARD_DHCP_SERVER);
	ipv6(own_ipv6, 17, 20);
	ports(53, 546);
	assert_int_equal(check(), GUARD_DHCP_SERVER);
	ipv6(own_ipv6, 17, 20);
	ports(546, 547);
	assert_int_equal(check(), GUARD_PASS);
}

static void test_ipv6(void **state)
{
	static const uint8_t headers[] = { 43, 44, 51, 60, 135, 139, 140 };
	static const uint8_t multicast[16] = { 0xff, 2,    [8] = 0x50, 0x54, 0,
		                               0xff, 0xfe, 0xaa,       0xbb, 1 };
	uint8_t id[8];

	(void)state;
	guard_interface_id(self.mac, id);
	assert_memory_equal(id, "\x50\x54\0\xff\xfe\xaa\xbb\1", 8);
	ipv6(multicast, 6, 20);
	ports(1000, 80);
	assert_int_equal(check(), GUARD_IPV6);
	ipv6(link_local, 6, 20);
	ports(1000, 80);
	assert_int_equal(check(), GUARD_PASS);
	ipv6(other_ipv6, 6, 20);
	ports(1000, 80);
	assert_int_equal(check(), GUARD_IPV6);
	ipv6(nothing, 17, 20);
	ports(1000, 80);
	assert_int_equal(check(), GUARD_IPV6);
	ipv6(own_ipv6, 6, 21);  // longer than the frame
	ports(1000, 80);
	assert_int_equal(check(), GUARD_MALFORMED);
	for (size_t i = 0; i < sizeof(headers); i++) {
		ipv6(own_ipv6, headers[i], 20);
		ports(58 << 8, 0);
		assert_int_equal(check(), GUARD_PROTOCOL);
	}
}

// What has to be sent behind a hop-by-hop header: a report of what is listened to, and nothing
// else.
static void test_hop_by_hop(void **state)
{
	static const uint8_t reports[] = { 131, 132, 143 };
	static const uint8_t others[] = { 128, 130, 133, 134, 135, 136, 137 };

	(void)state;
	for (size_t i = 0; i < sizeof(reports) + sizeof(others); i++) {
		bool is_report = i < sizeof(reports);

		ipv6(i % 2 == 0 ? link_local : nothing, 0, 16);
		writer_u8(&w, 58);
		writer_u8(&w, 0);
		writer_zero(&w, 6);
		writer_u8(&w, is_report ? reports[i] : others[i - sizeof(reports)]);
		writer_zero(&w, 7);
		assert_int_equal(check(), is_report ? GUARD_PASS : GUARD_PROTOCOL);
		frame[14 + 40] = 17;
		assert_int_equal(check(), GUARD_PROTOCOL);
		frame[14 + 40 + 1] = 1;  // beyond the packet
		assert_int_equal(check(), GUARD_MALFORMED);
	}
}

static void test_neighbours(void **state)
{
	(void)state;
	assert_int_equal(neighbour(own_ipv6, 136, own_ipv6, 2, self.mac), GUARD_PASS);
	assert_int_equal(neighbour(own_ipv6, 136, other_ipv6, 2, self.mac), GUARD_NEIGHBOUR);
	assert_int_equal(neighbour(own_ipv6, 136, own_ipv6, 2, other_mac), GUARD_NEIGHBOUR);
	assert_int_equal(neighbour(own_ipv6, 135, other_ipv6, 1, self.mac), GUARD_PASS);
	assert_int_equal(neighbour(own_ipv6, 135, other_ipv6, 1, other_mac), GUARD_NEIGHBOUR);
	// Is this address free?
	assert_int_equal(neighbour(nothing, 135, own_ipv6, 0, NULL), GUARD_PASS);
	assert_int_equal(neighbour(nothing, 135, other_ipv6, 0, NULL), GUARD_NEIGHBOUR);
	assert_int_equal(neighbour(nothing, 136, own_ipv6, 0, NULL), GUARD_IPV6);
	// An option of no length would never end.
	assert_int_equal(neighbour(own_ipv6, 135, other_ipv6, 1, self.mac), GUARD_PASS);
	frame[14 + 40 + 24 + 1] = 0;
	assert_int_equal(check(), GUARD_MALFORMED);
}

static void test_router(void **state)
{
	(void)state;
	assert_int_equal(neighbour(link_local, 134, nothing, 1, self.mac), GUARD_ROUTER);
	assert_int_equal(neighbour(link_local, 137, nothing, 2, self.mac), GUARD_ROUTER);
	// plays the querier
	assert_int_equal(neighbour(link_local, 130, nothing, 0, NULL), GUARD_ROUTER);
	// Whom the router would learn.
	ipv6(link_local, 58, 16);
	writer_u8(&w, 133);
	writer_zero(&w, 7);
	writer_u8(&w, 1);
	writer_u8(&w, 1);
	writer_bytes(&w, self.mac, 6);
	assert_int_equal(check(), GUARD_PASS);
	memcpy(frame + w.len - 6, other_mac, 6);
	assert_int_equal(check(), GUARD_NEIGHBOUR);
	for (int i = -1; i < 20; i++)
		assert_non_null(guard_verdict_text((enum guard_verdict)i));
}

// Of a long frame only the first bytes are in hand.
static void test_long_frames(void **state)
{
	(void)state;
	ipv4(self.ipv4, 6, 0, 0);
	frame[16] = 1500 >> 8;
	frame[17] = 1500 & 0xff;
	writer_zero(&w, GUARD_HEADERS);
	assert_int_equal(check_part(1514), GUARD_PASS);
	assert_int_equal(check_part(1513), GUARD_MALFORMED);  // the packet is longer than the frame
	ipv6(own_ipv6, 6, 1460);
	writer_zero(&w, GUARD_HEADERS);
	assert_int_equal(check_part(1514), GUARD_PASS);
	assert_int_equal(check_part(1513), GUARD_MALFORMED);
	// What a neighbour solicitation says beyond is not seen, even when an option ends where we
	// end.
	ipv6(own_ipv6, 58, 1000);
	writer_u8(&w, 135);
	writer_zero(&w, 23);
	while (w.len + 16 <= GUARD_HEADERS) {
		writer_u8(&w, 14);
		writer_u8(&w, 2);
		writer_zero(&w, 14);
	}
	assert_int_equal(check_part(1054), GUARD_MALFORMED);
}

// --- Ports that are the host's user's -----------------------------------------------------------

#define FORWARD 40123

static struct guard_closed closed = { .forward = FORWARD,
	                              .subnet = { 10, 0, 2, 15 },
	                              .prefix_len = 24 };

static enum guard_verdict check_closed(const uint8_t *destination, uint16_t port)
{
	ipv4(self.ipv4, 6, 0, 0);
	ports(1000, port);
	memcpy(frame + 30, destination, 4);
	return guard_check_closed(&closed, (struct span){ .data = frame, .len = w.len });
}

static void test_closed_ports(void **state)
{
	static const uint8_t own[4] = { 10, 0, 2, 15 };
	static const uint8_t any_of_it[4] = { 10, 0, 2, 254 };
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	static const uint8_t outside[4] = { 93, 184, 216, 34 };

	(void)state;
	assert_int_equal(check_closed(own, ENGINE_PORT), GUARD_CLOSED);
	assert_int_equal(check_closed(outside, ENGINE_PORT), GUARD_CLOSED);
	assert_int_equal(check_closed(own, 80), GUARD_PASS);
	assert_int_equal(check_closed(gateway, FORWARD), GUARD_CLOSED);
	assert_int_equal(check_closed(any_of_it, FORWARD), GUARD_CLOSED);
	assert_int_equal(check_closed(loopback, FORWARD), GUARD_CLOSED);
	assert_int_equal(check_closed(nothing, FORWARD), GUARD_CLOSED);
	assert_int_equal(check_closed(outside, FORWARD), GUARD_PASS);
	// Before the network is known, any may be of it.
	closed.prefix_len = 0;
	assert_int_equal(check_closed(outside, FORWARD), GUARD_CLOSED);
	closed.prefix_len = 24;
	closed.forward = 0;
	assert_int_equal(check_closed(own, ENGINE_PORT), GUARD_PASS);
	closed.forward = FORWARD;
}

// Nothing hides the port: options, fragments, IPv6, a packet that is cut.
static void test_closed_ports_hidden(void **state)
{
	(void)state;
	for (uint32_t options = 0; options <= 10; options += 5) {
		ipv4(self.ipv4, 6, options, 0x2000);
		ports(1000, ENGINE_PORT);
		assert_int_equal(
			guard_check_closed(&closed, (struct span){ .data = frame, .len = w.len }),
			GUARD_CLOSED);
		ipv4(self.ipv4, 6, options, 0x2000);
		assert_int_equal(
			guard_check_closed(&closed, (struct span){ .data = frame, .len = w.len }),
			GUARD_MALFORMED);
		ipv4(self.ipv4, 6, options, 0x2001);  // no ports here
		ports(1000, ENGINE_PORT);
		assert_int_equal(
			guard_check_closed(&closed, (struct span){ .data = frame, .len = w.len }),
			GUARD_PASS);
	}
	ipv4(self.ipv4, 17, 0, 0);
	ports(1000, ENGINE_PORT);
	assert_int_equal(guard_check_closed(&closed, (struct span){ .data = frame, .len = w.len }),
	                 GUARD_PASS);
	ipv6(own_ipv6, 6, 20);
	ports(1000, ENGINE_PORT);
	assert_int_equal(guard_check_closed(&closed, (struct span){ .data = frame, .len = w.len }),
	                 GUARD_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),          cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_arp),          cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_dhcp_server),  cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_neighbours),   cmocka_unit_test(test_router),
		cmocka_unit_test(test_hop_by_hop),   cmocka_unit_test(test_long_frames),
		cmocka_unit_test(test_closed_ports), cmocka_unit_test(test_closed_ports_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
