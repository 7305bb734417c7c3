// SPDX-License-Identifier: MIT
//
// The whole switch between hostile virtual machines, a network and a TCP/IP server that come and
// go: joins, frames that fit their sender and frames that do not, any other message, queues that
// nobody drains. The kernel is libs/starina/system_fake.c's. Nobody sees a unicast frame for
// another, our own stack is told the truth about who sent one, and at the end nothing is left. An
// input is a list of steps: what, how, a length, and so many bytes.
#include <stdlib.h>

#include "apps/netswitch/main.c"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VMS 4u
// One that is in no network, nor has an uplink.
#define LONELY 3u
#define FRAME_MAX 9000u

static handle_t netdev, ethernet, vmnet, ports, traffic;
static handle_t uplink, own, vms[VMS], names, watcher;
static const uint8_t uplink_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
static bool joined[VMS];
static uint8_t vm_macs[VMS][6];
static uint8_t vm_ips[VMS][4];
// What machines ask for, but for its last byte; and the last bytes that each has asked for.
static const uint8_t wanted_mac[6] = { 2, 0x42, 1, 2, 3 };
static bool wanted[VMS][4];

// --- What the switch sends ---

// The bytes of a frame in a message. One that cannot be read is the switch's fault, unless it is
// `unchecked`: what the device's driver sends is passed to our own stack as it is while there are
// no machines.
static struct span frame_bytes(const struct message *m, handle_t folio,
                               struct msg_netdev_frame *meta, bool unchecked)
{
	const uint8_t *tail;
	struct folio_info info;
	size_t len;
	void *base;

	if (message_decode_netdev_frame(m, meta, &tail, &len) != 0)
		return (struct span){ 0 };
	if (folio == HANDLE_NONE)
		return (struct span){ .data = tail, .len = len };
	if (folio_info(folio, &info) != 0 || !range_within(meta->offset, meta->length, info.size) ||
	    folio_map(folio, PROT_READ, &base) != 0) {
		if (!unchecked)
			abort();
		return (struct span){ 0 };
	}
	return (struct span){ .data = (uint8_t *)base + meta->offset, .len = meta->length };
}

// It may ask for names, and for who answers: that is all that comes to it.
static void check_lonely(struct span frame)
{
	struct reader r = reader_make(frame.data, frame.len);
	uint32_t type, header_len;

	reader_skip(&r, 12);
	type = reader_be16(&r);
	header_len = (reader_u8(&r) & 15u) * 4;
	reader_skip(&r, header_len > 0 ? header_len - 1 : 0);
	if (type != 0x0806 && (type != 0x0800 || reader_be16(&r) != 53))
		abort();
}

// Whether a machine is, or was, called so.
static bool is_mac_of(size_t i, const uint8_t *mac)
{
	return memcmp(mac, vm_macs[i], 6) == 0 ||
		(memcmp(mac, wanted_mac, 5) == 0 && mac[5] < 4 && wanted[i][mac[5]]);
}

static void drain_vm(size_t i)
{
	struct msg_netdev_frame meta;
	struct msg_netdev_port port;
	struct message m;
	const uint8_t *tail;
	handle_t folio;
	size_t len;

	while (fake_take(vms[i], &m, &folio)) {
		struct span frame = frame_bytes(&m, folio, &meta, false);

		if (frame.len >= 14 && (frame.data[0] & 1) == 0 && !is_mac_of(i, frame.data))
			abort();  // another's
		if (i == LONELY && frame.len >= 14)
			check_lonely(frame);
		if (message_decode_netdev_port(&m, &port, &tail, &len) == 0) {
			joined[i] = true;
			memcpy(vm_macs[i], port.mac, 6);
			memcpy(vm_ips[i], port.network.address, 4);
		}
		fake_close(&folio);
	}
}

static void drain_own(void)
{
	struct msg_netdev_frame meta;
	struct message m;
	handle_t folio;

	while (fake_take(own, &m, &folio)) {
		struct span frame = frame_bytes(&m, folio, &meta, true);

		// The machine may have left since, and its address been given away: its MAC address
		// says that it was one.
		if (frame.len >= 14 && (meta.flags & NETDEV_FRAME_OF_PORT) != 0 &&
		    (frame.data[6] != NETDEV_PORT_MAC_0 || frame.data[7] != NETDEV_PORT_MAC_1) &&
		    memcmp(frame.data + 6, wanted_mac, 5) != 0)
			abort();
		fake_close(&folio);
	}
}

static void drain_uplink(void)
{
	struct msg_netdev_frame meta;
	struct message m;
	handle_t folio;

	while (fake_take(uplink, &m, &folio)) {
		struct span frame = frame_bytes(&m, folio, &meta, false);

		if (frame.len > NETDEV_GSO_MAX)
			abort();
		fake_close(&folio);
	}
}

// --- What the others send ---

static void say_network(uint8_t how)
{
	struct msg_netdev_network network = { .network = { .address = { 10, 0, 2, 15 },
		                                           .gateway = { 10, 0, 2, 2 },
		                                           .prefix_len = 24 } };
	struct message m;

	if ((how & 3) == 1)
		network.network.address[2] = 3;
	if ((how & 3) == 2)
		network.network.prefix_len = how;
	if (own != HANDLE_NONE && message_encode_netdev_network(&m, &network, NULL, 0) == 0)
		fake_send(own, &m);
}

static void say_info(uint8_t how)
{
	struct msg_netdev_info info = { .mtu = (how & 4) != 0 ? (uint16_t)(how * 40) : 1500,
		                        .features = how & 15u };
	struct message m;

	memcpy(info.mac, uplink_mac, 6);
	if (uplink != HANDLE_NONE && message_encode_netdev_info(&m, &info, NULL, 0) == 0)
		fake_send(uplink, &m);
}

static void say_join(size_t i, uint8_t how)
{
	struct msg_netdev_join join = { .features = how >> 4 };
	struct message m;

	if ((how & 8) != 0)
		memcpy(join.address, (const uint8_t[]){ 10, 0, 2, (uint8_t)(98 + how % 8) }, 4);
	if (vms[i] != HANDLE_NONE && message_encode_netdev_join(&m, &join, NULL, 0) == 0)
		fake_send(vms[i], &m);
}

static void say_networks(size_t i, uint8_t how)
{
	struct msg_netdev_networks told = { .networks.reach = i == LONELY ? 0 : how >> 6 };
	struct message m;

	if ((how & 0x30) != 0) {
		memcpy(told.networks.mac, wanted_mac, sizeof(wanted_mac));
		told.networks.mac[5] = (uint8_t)(how >> 4 & 3);
		wanted[i][told.networks.mac[5]] = true;
	}
	for (uint32_t k = 0; i != LONELY && k < 2; k++) {
		if ((how >> k & 1) == 0)
			continue;
		told.networks.entries[k * 7] = (struct netdev_membership){
			.network = k + 1,
			.address = { 172, 18, (uint8_t)k, (uint8_t)(2 + ((how >> 2) & 3)) },
			.prefix_len = 24
		};
	}
	if (vms[i] != HANDLE_NONE && message_encode_netdev_networks(&m, &told, NULL, 0) == 0)
		fake_send(vms[i], &m);
}

// Its server comes, goes, or takes what it was told.
static void names_step(uint8_t how)
{
	struct message m;
	handle_t folio;

	if (names == HANDLE_NONE || (how & 3) == 0) {
		fake_close(&names);
		names = fake_client_connect(ports);
	}
	while ((how & 4) != 0 && fake_take(names, &m, &folio))
		fake_close(&folio);
}

// Who looks at the traffic comes, goes, asks, or takes what it was told.
static void watcher_step(uint8_t how)
{
	struct msg_traffic_get get = { .id = how };
	struct message m;
	handle_t folio;

	if (watcher == HANDLE_NONE || (how & 16) == 0) {
		fake_close(&watcher);
		watcher = fake_client_connect(traffic);
	}
	if (watcher != HANDLE_NONE && message_encode_traffic_get(&m, &get, NULL, 0) == 0)
		fake_send(watcher, &m);
	while ((how & 32) != 0 && fake_take(watcher, &m, &folio)) {
		struct msg_traffic told;
		const uint8_t *tail;
		size_t len;

		if (message_decode_traffic(&m, &told, &tail, &len) == 0 &&
		    (told.count < 2 || told.count > 2 + VMS))
			abort();
		fake_close(&folio);
	}
}

static void say(handle_t end, uint8_t how, const uint8_t *data, size_t len)
{
	fake_say(end, (how & 128) != 0 ? how % 8u : 32u + how % 8u, data, len,
	         fake_cargo((how & 64) != 0, (how & 32) == 0), 70000);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// Headers of an honest TCP segment of the machine `i` or of somebody beyond the uplink.
static size_t put_headers(uint8_t *frame, bool from_vm, size_t i, bool v6, size_t payload)
{
	static const uint8_t far_mac[6] = { 0x52, 0x55, 10, 0, 2, 2 };
	uint8_t *ip = frame + 14;
	size_t tcp = v6 ? 54 : 34;

	memset(frame, 0, tcp + 20);
	memcpy(frame + 6, from_vm ? vm_macs[i] : far_mac, 6);
	put16(frame + 12, v6 ? 0x86dd : 0x0800);
	ip[0] = v6 ? 0x60 : 0x45;
	if (v6) {
		put16(ip + 4, 20 + payload);
		ip[6] = 6;
		ip[8] = 0xfe;
		ip[9] = 0x80;
		guard_interface_id(from_vm ? vm_macs[i] : far_mac, ip + 16);
	} else {
		put16(ip + 2, 40 + payload);
		ip[9] = 6;
		memcpy(ip + 12, from_vm ? vm_ips[i] : (const uint8_t[]){ 10, 0, 2, 2 }, 4);
	}
	frame[tcp + 12] = 5 << 4;
	return tcp + 20;
}

// A segment with headers that fit, of which the data spoil some: pairs of place and value; the
// first bytes choose receiver, size and offloads.
static void say_segment(handle_t end, bool from_vm, size_t i, const uint8_t *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	bool v6 = len > 0 && (data[0] & 1) != 0;
	size_t payload = len > 1 ? data[1] * 32u : 0,
	       headers = put_headers(frame, from_vm, i, v6, payload);
	struct msg_netdev_frame meta = { .offset = 4, .length = (uint32_t)(headers + payload) };
	struct message m;
	handle_t folio;
	void *base;

	memset(frame + headers, 0, payload);
	memcpy(frame, len > 2 && data[2] % 4 != 0 ? vm_macs[data[2] % VMS] : uplink_mac, 6);
	if (len > 2 && data[2] == 255)
		memset(frame, 255, 6);
	if (len > 3 && data[3] != 0) {
		meta.flags = data[3];
		meta.csum_start = (uint16_t)(headers - 20);
		meta.csum_offset = 16;
		meta.gso_size = (meta.flags & (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)) != 0
			? (uint16_t)(data[3] * 8)
			: 0;
	}
	for (size_t k = 4; k + 1 < len; k += 2)
		frame[data[k] % headers] = data[k + 1];
	if (end == HANDLE_NONE || folio_create(FRAME_MAX + 8, FOLIO_CONTIGUOUS, &folio) != 0)
		return;
	if (folio_map(folio, PROT_WRITE, &base) != 0 ||
	    message_encode_netdev_frame(&m, &meta, NULL, 0) != 0)
		abort();
	memcpy((uint8_t *)base + 4, frame, headers + payload);
	m.handles[0] = folio;
	m.num_handles = 1;
	fake_send(end, &m);
}

// --- Steps ---

enum {
	CONNECT,
	JOIN,
	SEGMENT,
	UPLINK_SEGMENT,
	OWN_SEGMENT,
	SAY,
	NETWORK,
	INFO,
	CLOSE,
	DRAIN,
	TIME,
	MEMORY,
	RESTART,
	NETWORKS,
	NAMES,
	NUM_STEPS
};

static void turn(void)
{
	struct netswitch *s = &state;
	handle_t fresh;
	nsec_t now;

	fake_loop_settle(&s->loop);
	if (clock_get(CLOCK_MONOTONIC, &now) == 0) {
		(void)ports_unthrottle(s, now);
		(void)vm_ports_answer(s, now);
	}
	fresh = fake_provider_accept(netdev);
	if (fresh != HANDLE_NONE) {
		fake_close(&uplink);
		uplink = fresh;
		say_info(3);
	}
	fake_loop_settle(&s->loop);
}

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	size_t i = how % VMS;
	handle_t ends[] = { vms[i], own, uplink };

	switch (what) {
	case CONNECT:
		if (vms[i] != HANDLE_NONE)
			break;
		vms[i] = fake_client_connect(vmnet);
		if (i == LONELY)
			say_networks(i, 0);
		break;
	case JOIN: say_join(i, how); break;
	case SEGMENT: say_segment(vms[i], true, i, data, len); break;
	case UPLINK_SEGMENT: say_segment(uplink, false, i, data, len); break;
	case OWN_SEGMENT: say_segment(own, false, i, data, len); break;
	case SAY: say(ends[len % 3], how, data, len); break;
	case NETWORK: say_network(how); break;
	case INFO: say_info(how); break;
	case CLOSE:
		fake_close(&vms[i]);
		memset(vm_macs[i], 0, 6);
		memset(wanted[i], 0, sizeof(wanted[i]));
		joined[i] = false;
		break;
	case DRAIN:
		drain_vm(i);
		if ((how & 4) != 0)
			drain_own();
		if ((how & 8) != 0)
			drain_uplink();
		break;
	case TIME: fake_time_pass((nsec_t)how * 10 * NSEC_PER_MSEC); break;
	case MEMORY: fake_memory_fail(how); break;
	case NETWORKS: say_networks(i, how); break;
	case NAMES:
		if ((how & 8) == 0)
			names_step(how);
		else
			watcher_step(how);
		break;
	default:
		fake_close((how & 1) != 0 ? &uplink : &own);
		if (own == HANDLE_NONE)
			own = fake_client_connect(ethernet);
		break;
	}
}

static void begin(void)
{
	static struct environ
		env = { .num_entries = 9,
		        .entries = {
				{ .kind = ENV_CONNECTOR, .name = "netdev" },
				{ .kind = ENV_SERVICE, .name = "ethernet" },
				{ .kind = ENV_SERVICE, .name = "vmnet" },
				{ .kind = ENV_CONFIG, .name = "pool", .value = "100-103" },
				{ .kind = ENV_CONFIG, .name = "rate", .value = "8000" },
				{ .kind = ENV_CONFIG, .name = "burst", .value = "80" },
				{ .kind = ENV_CONFIG, .name = "closed", .value = "0" },
				{ .kind = ENV_SERVICE, .name = "ports" },
				{ .kind = ENV_SERVICE, .name = "traffic" },
			} };

	env.entries[0].handle = netdev = fake_connector_create();
	env.entries[1].handle = ethernet = fake_service_create();
	env.entries[2].handle = vmnet = fake_service_create();
	env.entries[7].handle = ports = fake_service_create();
	env.entries[8].handle = traffic = fake_service_create();
	if (start(&state, &env) != 0)
		abort();
	own = fake_client_connect(ethernet);
	turn();
	say_network(0);
	turn();
}

static void finish(size_t handles, size_t allocated)
{
	fake_memory_fail(0);
	fake_close(&names);
	fake_close(&watcher);
	for (size_t i = 0; i < VMS; i++) {
		drain_vm(i);
		fake_close(&vms[i]);
		memset(vm_macs[i], 0, 6);
		memset(wanted[i], 0, sizeof(wanted[i]));
		joined[i] = false;
	}
	for (int i = 0; i < 4; i++) {
		drain_own();
		drain_uplink();
		fake_time_pass(NSEC_PER_SEC);
		turn();
	}
	fake_close(&own);
	turn();
	own = fake_client_connect(ethernet);
	say_info(3);
	turn();
	say_network(0);
	turn();
	drain_own();
	turn();
	if (state.num_vm_ports != 0 || fake_num_allocated() != allocated ||
	    fake_num_handles() > handles)
		abort();  // something is left
	for (size_t i = 0; i < POOL_MAX; i++) {
		if (state.pool.used[i])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles, allocated;

	if (handles == 0) {
		begin();
		drain_own();
		handles = fake_num_handles();
		allocated = fake_num_allocated();
	}
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish(handles, allocated);
	return 0;
}
