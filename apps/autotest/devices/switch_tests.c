// SPDX-License-Identifier: MIT
//
// The switch, seen by virtual machines: the tests play their VMM, so that they can send what no
// decent guest would. The machine has netswitch.pool=100-115 of 10.0.2.0/24; our own TCP/IP is
// 10.0.2.15.
#include "apps/autotest/devices/device_tests.h"
#include "libs/abi/netdev.h"
#include "libs/base/checksum.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

#define POOL_SIZE 16u
#define FRAME_MAX 6000u
#define ETHERNET 14u
#define ALL_FEATURES (NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)
#define INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_netdev_frame))

static const uint8_t any[4];
static const uint8_t own_ip[4] = { 10, 0, 2, 15 };
static const uint8_t gateway_ip[4] = { 10, 0, 2, 2 };
static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

struct vm {
	handle_t channel;
	struct msg_netdev_port port;
};

// One frame that is being made or was received.
static uint8_t frame[FRAME_MAX];
static struct writer w;
static struct msg_netdev_frame received;  // what came with it

// --- Ports ---

// Joins; returns the switch's answer. The channel is open in any case.
static error_t vm_try_join(struct autotest *t, struct vm *vm, const uint8_t address[4],
                           uint32_t features)
{
	struct msg_netdev_join join = { .features = features };
	struct msg_error refusal;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = service_connect_wait(environ_connector(t->env, "vmnet"), test_deadline(),
	                                   &vm->channel);

	memcpy(join.address, address, 4);
	if (err == 0)
		err = message_encode_netdev_join(&m, &join, NULL, 0);
	if (err == 0)
		err = channel_send(vm->channel, &m);
	do {  // broadcasts of others may come first
		if (err == 0)
			err = recv_wait(vm->channel, test_deadline(), &m);
		if (err == 0 && m.type == MSG_NETDEV_FRAME)
			message_discard(&m);
	} while (err == 0 && m.type == MSG_NETDEV_FRAME);
	if (err != 0)
		return err;
	if (message_decode_error(&m, &refusal, &tail, &tail_len) == 0) {
		log_debug("refused: %.*s", (int)tail_len, (const char *)tail);
		return refusal.error;
	}
	return message_decode_netdev_port(&m, &vm->port, &tail, &tail_len);
}

static struct vm vm_join(struct autotest *t, const uint8_t address[4], uint32_t features)
{
	struct vm vm = { 0 };

	expect(t, vm_try_join(t, &vm, address, features) == 0);
	return vm;
}

// Makes a message of `frame`: inline, or with a folio. Errors: folio_create's.
static error_t frame_message(struct message *m, struct msg_netdev_frame *meta)
{
	void *base;
	error_t err;

	meta->length = (uint32_t)w.len;
	if (w.len <= INLINE_MAX)
		return message_encode_netdev_frame(m, meta, frame, w.len);
	meta->offset = 2;
	err = message_encode_netdev_frame(m, meta, NULL, 0);
	if (err == 0)
		err = folio_create(w.len + 2, FOLIO_CONTIGUOUS, &m->handles[0]);
	if (err != 0)
		return err;
	m->num_handles = 1;
	err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
	if (err == 0)
		memcpy((uint8_t *)base + 2, frame, w.len);
	return err;
}

static void vm_send_as(struct autotest *t, const struct vm *vm, struct msg_netdev_frame meta)
{
	struct message m;
	error_t err = frame_message(&m, &meta);

	while (err == 0 && (err = channel_send(vm->channel, &m)) == ERR_FULL)
		err = handle_wait(vm->channel, READY_WRITABLE, test_deadline());
	expect(t, err == 0);
}

static void vm_send(struct autotest *t, const struct vm *vm)
{
	vm_send_as(t, vm, (struct msg_netdev_frame){ 0 });
}

// Receives a frame into `frame` and makes `w.len` its length. Errors: recv_wait's.
static error_t vm_recv(const struct vm *vm, nsec_t deadline)
{
	struct payload payload = { 0 };
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = recv_wait(vm->channel, deadline, &m);

	if (err == 0)
		err = message_decode_netdev_frame(&m, &received, &tail, &tail_len);
	if (err == 0 && m.num_handles == 1)
		err = payload_open_folio(m.handles[0], received.offset, received.length, &payload);
	else
		payload.bytes = (struct span){ .data = tail, .len = tail_len };
	if (err != 0)
		return err;
	w = writer_make(frame, sizeof(frame));
	writer_bytes(&w, payload.bytes.data, payload.bytes.len);
	payload_release(&payload);
	return writer_status(&w);
}

// --- Frames ---

static void begin(const uint8_t *to, const uint8_t *from, uint16_t type)
{
	w = writer_make(frame, sizeof(frame));
	writer_bytes(&w, to, 6);
	writer_bytes(&w, from, 6);
	writer_be16(&w, type);
}

static void arp(const struct vm *vm, uint16_t operation, const uint8_t *sender_mac,
                const uint8_t *sender_ip, const uint8_t *target_ip)
{
	begin(broadcast, vm->port.mac, 0x0806);
	writer_be16(&w, 1);
	writer_be16(&w, 0x0800);
	writer_u8(&w, 6);
	writer_u8(&w, 4);
	writer_be16(&w, operation);
	writer_bytes(&w, sender_mac, 6);
	writer_bytes(&w, sender_ip, 4);
	writer_zero(&w, 6);
	writer_bytes(&w, target_ip, 4);
}

static void store_sum(uint8_t *at, uint32_t sum)
{
	uint16_t folded = (uint16_t) ~((sum & 0xffff) + (sum >> 16));

	memcpy(at, &folded, 2);
}

static void ipv4(const struct vm *from, const uint8_t *to_mac, const uint8_t *from_ip,
                 const uint8_t *to_ip, uint8_t protocol, size_t payload)
{
	begin(to_mac, from->port.mac, 0x0800);
	writer_be16(&w, 0x4500);
	writer_be16(&w, (uint16_t)(20 + payload));
	writer_be32(&w, 0x00004000);
	writer_u8(&w, 64);
	writer_u8(&w, protocol);
	writer_be16(&w, 0);
	writer_bytes(&w, from_ip, 4);
	writer_bytes(&w, to_ip, 4);
	store_sum(frame + ETHERNET + 10, checksum_sum(frame + ETHERNET, 20));
}

static void echo_request(const struct vm *vm, const uint8_t *to_mac, const uint8_t *to_ip,
                         size_t payload)
{
	ipv4(vm, to_mac, vm->port.network.address, to_ip, 1, 8 + payload);
	writer_be32(&w, 0x08000000);
	writer_be32(&w, 0x12340001);
	for (size_t i = 0; i < payload; i++)
		writer_u8(&w, (uint8_t)i);
	store_sum(frame + 36, checksum_sum(frame + 34, 8 + payload));
}

static void udp(const struct vm *vm, const uint8_t *from_ip, uint16_t from_port, uint16_t to_port)
{
	ipv4(vm, broadcast, from_ip, (const uint8_t *)"\xff\xff\xff\xff", 17, 20);
	writer_be16(&w, from_port);
	writer_be16(&w, to_port);
	writer_be16(&w, 20);
	writer_zero(&w, 14);
}

// An IPv6 packet with an ICMPv6 message about `target`, to all nodes.
static void icmpv6(const struct vm *vm, const uint8_t *from_ip, uint8_t type, const uint8_t *target)
{
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

	begin(all_nodes_mac, vm->port.mac, 0x86dd);
	writer_be32(&w, 0x60000000);
	writer_be16(&w, 24);
	writer_u8(&w, 58);
	writer_u8(&w, 255);
	writer_bytes(&w, from_ip, 16);
	writer_bytes(&w, all_nodes, 16);
	writer_u8(&w, type);
	writer_zero(&w, 7);
	writer_bytes(&w, target, 16);
}

// The port's IPv6 address with prefix fe80::/64.
static void link_local(const struct vm *vm, uint8_t out[16])
{
	const uint8_t *mac = vm->port.mac;
	const uint8_t bytes[16] = { 0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2],
		                    0xff, 0xfe, mac[3],           mac[4], mac[5] };

	memcpy(out, bytes, 16);
}

// Receives until an ARP reply from `ip` comes; its MAC address goes to `mac`.
static bool arp_resolve(struct autotest *t, const struct vm *vm, const uint8_t *ip, uint8_t mac[6])
{
	nsec_t deadline = test_deadline();

	arp(vm, 1, vm->port.mac, vm->port.network.address, ip);
	vm_send(t, vm);
	while (vm_recv(vm, deadline) == 0) {
		if (w.len >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 &&
		    memcmp(frame + 28, ip, 4) == 0) {
			memcpy(mac, frame + 22, 6);
			return true;
		}
	}
	return false;
}

// --- Tests ---

static void a_port_and_our_own_stack(struct autotest *t)
{
	static const size_t sizes[] = { 0, 56, 1000, 1472 };
	struct vm vm = vm_join(t, any, 0);
	uint8_t mac[6] = { 0 };

	expect(t, vm.port.mtu == 1500 && vm.port.network.prefix_len == 24);
	expect(t,
	       memcmp(vm.port.network.gateway, gateway_ip, 4) == 0 &&
	               vm.port.network.dns[0][3] == 3);
	expect(t, arp_resolve(t, &vm, own_ip, mac));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !t->failed; i++) {
		echo_request(&vm, mac, own_ip, sizes[i]);
		vm_send(t, &vm);
		do
			expect(t, vm_recv(&vm, test_deadline()) == 0);
		while (!t->failed && (frame[12] != 8 || frame[23] != 1));
		expect(t,
		       w.len >= 42 + sizes[i] && frame[34] == 0 &&
		               memcmp(frame, vm.port.mac, 6) == 0);
		expect(t, checksum_sum(frame + 34, 8 + sizes[i]) == 0xffff);
	}
	// And beyond the machine.
	expect(t, arp_resolve(t, &vm, gateway_ip, mac));
	handle_close(vm.channel);
}

static void the_pool(struct autotest *t)
{
	static const uint8_t first[4] = { 10, 0, 2, 100 }, outside[4] = { 10, 0, 2, 116 },
			     other[4] = { 10, 0, 3, 100 };
	struct vm vms[POOL_SIZE], again;
	size_t n = 0;

	for (error_t err = 0; err == 0 && n < POOL_SIZE; n++) {
		err = vm_try_join(t, &vms[n], any, 0);
		expect(t, err == (n < POOL_SIZE - 1 ? 0 : ERR_LIMIT));
		for (size_t i = 0; i < n && err == 0; i++)
			expect(t, memcmp(vms[i].port.mac, vms[n].port.mac, 6) != 0);
	}
	handle_close(vms[n - 1].channel);
	vms[n - 1] = vm_join(t, first, 0);
	expect(t, memcmp(vms[n - 1].port.network.address, first, 4) == 0);
	expect(t, vm_try_join(t, &again, first, 0) == ERR_EXISTS);
	handle_close(again.channel);
	expect(t, vm_try_join(t, &again, outside, 0) == ERR_RANGE);
	handle_close(again.channel);
	expect(t, vm_try_join(t, &again, other, 0) == ERR_RANGE);
	handle_close(again.channel);
	// What is given back is to be had again, with the same MAC address.
	handle_close(vms[3].channel);
	do
		again.channel = HANDLE_NONE;
	while (vm_try_join(t, &again, vms[3].port.network.address, 0) == ERR_EXISTS &&
	       handle_close(again.channel) == 0);
	expect(t, memcmp(again.port.mac, vms[3].port.mac, 6) == 0);
	vms[3] = again;
	for (size_t i = 0; i < n; i++)
		handle_close(vms[i].channel);
}

// Each of these is refused; `victim` would see them.
static void send_hostile_frames(struct autotest *t, const struct vm *vm, const struct vm *victim)
{
	static const uint8_t router[16] = { 0xfe, 0x80, [15] = 2 };
	const uint8_t *ip = vm->port.network.address;
	uint8_t own[16];

	link_local(vm, own);
	arp(vm, 2, vm->port.mac, gateway_ip, ip);
	vm_send(t, vm);
	arp(vm, 2, victim->port.mac, ip, ip);
	vm_send(t, vm);
	arp(vm, 1, vm->port.mac, victim->port.network.address, own_ip);
	vm_send(t, vm);
	udp(vm, ip, 67, 68);
	vm_send(t, vm);
	udp(vm, ip, 9999, 68);
	vm_send(t, vm);
	udp(vm, victim->port.network.address, 1000, 1000);
	vm_send(t, vm);
	icmpv6(vm, own, 134, own);  // router advertisement
	vm_send(t, vm);
	icmpv6(vm, own, 137, own);  // redirect
	vm_send(t, vm);
	icmpv6(vm, own, 136, router);
	vm_send(t, vm);
	icmpv6(vm, router, 135, own);
	vm_send(t, vm);
	arp(vm, 1, vm->port.mac, ip, own_ip);
	memcpy(frame + 6, victim->port.mac, 6);
	vm_send(t, vm);
	begin(broadcast, vm->port.mac, 0x8100);  // a VLAN tag
	writer_zero(&w, 100);
	vm_send(t, vm);
	udp(vm, ip, 1000, 1000);
	vm_send_as(t, vm,
	           (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM,
	                                      .csum_start = 33,
	                                      .csum_offset = 6 });
	// No frames at all: answered by an error.
	w.len = 13;
	vm_send(t, vm);
	udp(vm, ip, 1000, 1000);
	vm_send_as(t, vm,
	           (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM,
	                                      .csum_start = 0xffff,
	                                      .csum_offset = 0xffff });
}

static void a_hostile_guest(struct autotest *t)
{
	struct vm hostile = vm_join(t, any, ALL_FEATURES), victim = vm_join(t, any, ALL_FEATURES);
	const uint8_t *ip = hostile.port.network.address;
	unsigned marks = 0;

	for (unsigned i = 0; i < 20 && !t->failed; i++) {
		send_hostile_frames(t, &hostile, &victim);
		// A gratuitous ARP for itself is its right; it shows that what came before was
		// looked at.
		arp(&hostile, 1, hostile.port.mac, ip, ip);
		vm_send(t, &hostile);
		do {
			expect(t, vm_recv(&victim, test_deadline()) == 0);
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
	struct vm a = vm_join(t, any, 0), b = vm_join(t, any, 0), spy = vm_join(t, any, 0);
	uint8_t mac[6];

	for (unsigned i = 0; i < 50 && !t->failed; i++) {
		echo_request(&a, b.port.mac, b.port.network.address, i * 25);
		vm_send(t, &a);
		expect(t, vm_recv(&b, test_deadline()) == 0);
	}
	expect(t, arp_resolve(t, &a, own_ip, mac));
	echo_request(&a, mac, own_ip, 56);
	vm_send(t, &a);
	arp(&a, 1, a.port.mac, a.port.network.address, a.port.network.address);
	vm_send(t, &a);
	// What the spy sees is for all.
	do {
		expect(t, vm_recv(&spy, test_deadline()) == 0);
		expect(t, (frame[0] & 1) != 0);
	} while (!t->failed && memcmp(frame + 38, a.port.network.address, 4) != 0);
	handle_close(a.channel);
	handle_close(b.channel);
	handle_close(spy.channel);
}

// A TCP segment of `payload` bytes that leaves cutting and checksums to others.
static struct msg_netdev_frame large_segment(const struct vm *from, const struct vm *to,
                                             size_t payload)
{
	uint8_t rest[4] = { 0, 6, (uint8_t)((20 + payload) >> 8), (uint8_t)(20 + payload) };
	uint32_t sum;
	uint16_t folded;

	ipv4(from, to->port.mac, from->port.network.address, to->port.network.address, 6,
	     20 + payload);
	writer_be32(&w, 0x10002000);
	writer_be32(&w, 77);
	writer_be32(&w, 0);
	writer_be32(&w, 0x50180400);
	writer_be32(&w, 0);
	for (size_t i = 0; i < payload; i++)
		writer_u8(&w, (uint8_t)(i * 3));
	sum = (uint32_t)checksum_sum(frame + 26, 8) + checksum_sum(rest, 4);
	folded = (uint16_t)((sum & 0xffff) + (sum >> 16));
	memcpy(frame + 50, &folded, 2);
	return (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP4,
		                          .csum_start = 34,
		                          .csum_offset = 16,
		                          .gso_size = 1000 };
}

// A large frame goes as it is to a port that takes it, and in segments with checksums to one that
// does not.
static void large_frames(struct autotest *t)
{
	struct vm a = vm_join(t, any, ALL_FEATURES), b = vm_join(t, any, ALL_FEATURES),
		  plain = vm_join(t, any, 0);
	size_t done = 0;

	vm_send_as(t, &a, large_segment(&a, &b, 4321));
	expect(t, vm_recv(&b, test_deadline()) == 0);
	expect(t, w.len == 54 + 4321 && received.gso_size == 1000 && received.csum_start == 34);
	expect(t, received.flags == (NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP4));
	vm_send_as(t, &a, large_segment(&a, &plain, 4321));
	while (done < 4321 && !t->failed) {
		uint8_t rest[4] = { 0, 6, 0, 0 };
		size_t len;

		expect(t, vm_recv(&plain, test_deadline()) == 0);
		len = w.len - 34;
		rest[2] = (uint8_t)(len >> 8);
		rest[3] = (uint8_t)len;
		expect(t, received.flags == 0 && len == (done < 4000 ? 1020 : 341));
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

// Asks for our own stack's MAC address again and again, for it may be on its way back.
static bool arp_resolve_in_time(struct autotest *t, const struct vm *vm, const uint8_t *ip)
{
	nsec_t deadline = test_deadline();

	while (test_now() < deadline) {
		arp(vm, 1, vm->port.mac, vm->port.network.address, ip);
		vm_send(t, vm);
		while (vm_recv(vm, test_now() + 100 * NSEC_PER_MSEC) == 0) {
			if (w.len >= 42 && frame[13] == 6 && frame[21] == 2 &&
			    memcmp(frame + 28, ip, 4) == 0)
				return true;
		}
	}
	return false;
}

static void others_die(struct autotest *t)
{
	struct vm vm = vm_join(t, any, 0), again = { 0 };
	error_t err;

	for (int i = 0; i < 3 && !t->failed; i++) {
		// The port stays, whoever else comes back.
		kill_app(t, "virtio_net");
		expect(t, arp_resolve_in_time(t, &vm, gateway_ip));
		kill_app(t, "tcpip");
		expect(t, arp_resolve_in_time(t, &vm, own_ip));
		// After the switch's own death it is to be had again, the same as before.
		kill_app(t, "netswitch");
		while ((err = vm_recv(&vm, test_deadline())) == 0)
			;
		expect(t, err == ERR_PEER_CLOSED);
		handle_close(vm.channel);
		expect(t, vm_try_join(t, &again, vm.port.network.address, 0) == 0);
		expect(t, memcmp(again.port.mac, vm.port.mac, 6) == 0);
		vm = again;
		expect(t,
		       arp_resolve_in_time(t, &vm, own_ip) &&
		               arp_resolve_in_time(t, &vm, gateway_ip));
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
