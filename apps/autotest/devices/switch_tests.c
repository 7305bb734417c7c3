// SPDX-License-Identifier: MIT
//
// The switch, seen by virtual machines. The machine has netswitch.pool=100-115 of 10.0.2.0/24; our
// own TCP/IP is 10.0.2.15.
#include "apps/autotest/devices/switch_port.h"
#include "libs/base/checksum.h"
#include "libs/base/string.h"

#define POOL_SIZE 16u

static const uint8_t any[4];
static const uint8_t own_ip[4] = { 10, 0, 2, 15 };
static const uint8_t gateway_ip[4] = { 10, 0, 2, 2 };

static void a_port_and_our_own_stack(struct autotest *t)
{
	static const size_t sizes[] = { 0, 56, 1000, 1472 };
	struct switch_port vm = port_join(t, any, 0);
	uint8_t mac[6] = { 0 };

	expect(t, vm.port.mtu == 1500 && vm.port.network.prefix_len == 24);
	expect(t,
	       memcmp(vm.port.network.gateway, gateway_ip, 4) == 0 &&
	               vm.port.network.dns[0][3] == 3);
	expect(t, port_resolve(t, &vm, own_ip, mac));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !t->failed; i++) {
		frame_echo_request(&vm, mac, own_ip, sizes[i]);
		port_send(t, &vm);
		do
			expect(t, port_recv(&vm, test_deadline()) == 0);
		while (!t->failed && (frame[12] != 8 || frame[23] != 1));
		expect(t,
		       frame_writer.len >= 42 + sizes[i] && frame[34] == 0 &&
		               memcmp(frame, vm.port.mac, 6) == 0);
		expect(t, checksum_sum(frame + 34, 8 + sizes[i]) == 0xffff);
	}
	// And beyond the machine.
	expect(t, port_resolve(t, &vm, gateway_ip, mac));
	handle_close(vm.channel);
}

static void the_pool(struct autotest *t)
{
	static const uint8_t first[4] = { 10, 0, 2, 100 }, outside[4] = { 10, 0, 2, 116 },
			     other[4] = { 10, 0, 3, 100 };
	struct switch_port vms[POOL_SIZE], again;
	size_t n = 0;

	for (error_t err = 0; err == 0 && n < POOL_SIZE; n++) {
		err = port_try_join(t, &vms[n], any, 0);
		expect(t, err == (n < POOL_SIZE - 1 ? 0 : ERR_LIMIT));
		for (size_t i = 0; i < n && err == 0; i++)
			expect(t, memcmp(vms[i].port.mac, vms[n].port.mac, 6) != 0);
	}
	handle_close(vms[n - 1].channel);
	vms[n - 1] = port_join(t, first, 0);
	expect(t, memcmp(vms[n - 1].port.network.address, first, 4) == 0);
	expect(t, port_try_join(t, &again, first, 0) == ERR_EXISTS);
	handle_close(again.channel);
	expect(t, port_try_join(t, &again, outside, 0) == ERR_RANGE);
	handle_close(again.channel);
	expect(t, port_try_join(t, &again, other, 0) == ERR_RANGE);
	handle_close(again.channel);
	// What is given back is to be had again, with the same MAC address.
	handle_close(vms[3].channel);
	do
		again.channel = HANDLE_NONE;
	while (port_try_join(t, &again, vms[3].port.network.address, 0) == ERR_EXISTS &&
	       handle_close(again.channel) == 0);
	expect(t, memcmp(again.port.mac, vms[3].port.mac, 6) == 0);
	vms[3] = again;
	for (size_t i = 0; i < n; i++)
		handle_close(vms[i].channel);
}

// Each of these is refused; `victim` would see them.
static void send_hostile_frames(struct autotest *t, const struct switch_port *vm,
                                const struct switch_port *victim)
{
	static const uint8_t router[16] = { 0xfe, 0x80, [15] = 2 };
	const uint8_t *ip = vm->port.network.address;
	uint8_t own[16];

	port_link_local(vm, own);
	frame_arp(vm, 2, vm->port.mac, gateway_ip, ip);
	port_send(t, vm);
	frame_arp(vm, 2, victim->port.mac, ip, ip);
	port_send(t, vm);
	frame_arp(vm, 1, vm->port.mac, victim->port.network.address, own_ip);
	port_send(t, vm);
	frame_udp(vm, ip, 67, 68);
	port_send(t, vm);
	frame_udp(vm, ip, 9999, 68);
	port_send(t, vm);
	frame_udp(vm, victim->port.network.address, 1000, 1000);
	port_send(t, vm);
	frame_icmpv6(vm, own, 134, own);  // router advertisement
	port_send(t, vm);
	frame_icmpv6(vm, own, 137, own);  // redirect
	port_send(t, vm);
	frame_icmpv6(vm, own, 136, router);
	port_send(t, vm);
	frame_icmpv6(vm, router, 135, own);
	port_send(t, vm);
	frame_arp(vm, 1, vm->port.mac, ip, own_ip);
	memcpy(frame + 6, victim->port.mac, 6);
	port_send(t, vm);
	frame_begin(frame_broadcast, vm->port.mac, 0x8100);  // a VLAN tag
	writer_zero(&frame_writer, 100);
	port_send(t, vm);
	frame_udp(vm, ip, 1000, 1000);
	port_send_as(t, vm,
	             (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM,
	                                        .csum_start = 33,
	                                        .csum_offset = 6 });
	// No frames at all: answered by an error.
	frame_writer.len = 13;
	port_send(t, vm);
	frame_udp(vm, ip, 1000, 1000);
	port_send_as(t, vm,
	             (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM,
	                                        .csum_start = 0xffff,
	                                        .csum_offset = 0xffff });
}

static void a_hostile_guest(struct autotest *t)
{
	struct switch_port hostile = port_join(t, any, ALL_FEATURES),
			   victim = port_join(t, any, ALL_FEATURES);
	const uint8_t *ip = hostile.port.network.address;
	unsigned marks = 0;

	for (unsigned i = 0; i < 20 && !t->failed; i++) {
		send_hostile_frames(t, &hostile, &victim);
		// A gratuitous ARP for itself is its right; it shows that what came before was
		// looked at.
		frame_arp(&hostile, 1, hostile.port.mac, ip, ip);
		port_send(t, &hostile);
		do {
			expect(t, port_recv(&victim, test_deadline()) == 0);
			if (memcmp(frame + 6, hostile.port.mac, 6) == 0 && frame[12] == 8 &&
			    frame[13] == 6 && frame[21] == 1 && memcmp(frame + 28, ip, 4) == 0 &&
			    memcmp(frame + 38, ip, 4) == 0)
				break;
			// Others may speak, but not in the hostile port's words or the victim's
			// name.
			expect(t,
			       memcmp(frame + 6, hostile.port.mac, 6) != 0 &&
			               memcmp(frame + 6, victim.port.mac, 6) != 0);
		} while (!t->failed);
		marks++;
	}
	expect(t, marks == 20);
	handle_close(hostile.channel);
	handle_close(victim.channel);
}

static void foreign_unicast_is_not_seen(struct autotest *t)
{
	struct switch_port a = port_join(t, any, 0), b = port_join(t, any, 0),
			   spy = port_join(t, any, 0);
	uint8_t mac[6];

	for (unsigned i = 0; i < 50 && !t->failed; i++) {
		frame_echo_request(&a, b.port.mac, b.port.network.address, i * 25);
		port_send(t, &a);
		expect(t, port_recv(&b, test_deadline()) == 0);
	}
	expect(t, port_resolve(t, &a, own_ip, mac));
	frame_echo_request(&a, mac, own_ip, 56);
	port_send(t, &a);
	frame_arp(&a, 1, a.port.mac, a.port.network.address, a.port.network.address);
	port_send(t, &a);
	// What the spy sees is for all.
	do {
		expect(t, port_recv(&spy, test_deadline()) == 0);
		expect(t, (frame[0] & 1) != 0);
	} while (!t->failed && memcmp(frame + 38, a.port.network.address, 4) != 0);
	handle_close(a.channel);
	handle_close(b.channel);
	handle_close(spy.channel);
}

// A large frame goes as it is to a port that takes it, and in segments with checksums to one that
// does not.
static void large_frames(struct autotest *t)
{
	struct switch_port a = port_join(t, any, ALL_FEATURES), b = port_join(t, any, ALL_FEATURES),
			   plain = port_join(t, any, 0);
	size_t done = 0;

	port_send_as(t, &a, frame_large_segment(&a, &b, 4321));
	expect(t, port_recv(&b, test_deadline()) == 0);
	expect(t,
	       frame_writer.len == 54 + 4321 && frame_meta.gso_size == 1000 &&
	               frame_meta.csum_start == 34);
	expect(t, frame_meta.flags == (NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP4));
	port_send_as(t, &a, frame_large_segment(&a, &plain, 4321));
	while (done < 4321 && !t->failed) {
		uint8_t rest[4] = { 0, 6, 0, 0 };
		size_t len;

		expect(t, port_recv(&plain, test_deadline()) == 0);
		len = frame_writer.len - 34;
		rest[2] = (uint8_t)(len >> 8);
		rest[3] = (uint8_t)len;
		expect(t, frame_meta.flags == 0 && len == (done < 4000 ? 1020 : 341));
		expect(t,
		       ((uint32_t)checksum_sum(frame + 26, 8) + checksum_sum(rest, 4) +
		        checksum_sum(frame + 34, len)) %
		                       0xffff ==
		               0);
		expect(t, frame[54] == (uint8_t)(done * 3));
		done += len - 20;
	}
	handle_close(a.channel);
	handle_close(b.channel);
	handle_close(plain.channel);
}

static void others_die(struct autotest *t)
{
	struct switch_port vm = port_join(t, any, 0), again = { 0 };
	error_t err;

	for (int i = 0; i < 3 && !t->failed; i++) {
		// The port stays, whoever else comes back.
		kill_app(t, "virtio_net");
		expect(t, port_resolve_in_time(t, &vm, gateway_ip));
		kill_app(t, "tcpip");
		expect(t, port_resolve_in_time(t, &vm, own_ip));
		// After the switch's own death it is to be had again, the same as before.
		kill_app(t, "netswitch");
		while ((err = port_recv(&vm, test_deadline())) == 0)
			;
		expect(t, err == ERR_PEER_CLOSED);
		handle_close(vm.channel);
		expect(t, port_try_join(t, &again, vm.port.network.address, 0) == 0);
		expect(t, memcmp(again.port.mac, vm.port.mac, 6) == 0);
		vm = again;
		expect(t,
		       port_resolve_in_time(t, &vm, own_ip) &&
		               port_resolve_in_time(t, &vm, gateway_ip));
	}
	handle_close(vm.channel);
}

const struct test switch_tests[] = {
	{ "a port of the switch talks to our own stack and to the gateway",
	  a_port_and_our_own_stack },
	{ "addresses of the switch's pool", the_pool },
	{ "a hostile guest at the switch", a_hostile_guest },
	{ "a port of the switch sees no foreign unicast", foreign_unicast_is_not_seen },
	{ "large frames through the switch", large_frames },
	{ "the switch and those around it die", others_die },
	{ 0 },
};
