// SPDX-License-Identifier: MIT
//
// The whole TCP/IP server between a hostile network and hostile clients: frames of the uplink and
// of virtual machines (IPv4, IPv6, TCP segments that fit connections, DHCP and DNS answers), what
// else the switch may say, URIs, data, datagrams, ends and resets of clients. lwIP, the loop and
// the services are the real ones; the kernel is system_fake.c's. At the end nothing may be left. An
// input is a list of steps: what, how, a length, and so many bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/tcpip/share.h"
#include "apps/tcpip/tcpip.h"
#include "libs/abi/tcpip.h"
#include "libs/starina/system_fake.h"
#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Frames that wait for reassembly are linked by pointers inside packed headers, where the leak
// checker does not look.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

#define CHANNELS 8u
#define FRAME_MAX 2048u
#define QUIET_SECONDS 400

static struct tcpip tcpip;
static handle_t ethernet, service, device;
static handle_t clients[2], sockets[CHANNELS];
static uint32_t random_state = 1;
// The last DNS query that was sent: its UDP payload and source port.
static uint8_t query[512];
static size_t query_len;
static uint16_t query_port;

static const uint8_t our_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

u32_t sys_now(void)
{
	nsec_t now;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? (u32_t)(now / NSEC_PER_MSEC) : 0;
}

uint32_t lwip_port_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

void lwip_port_assert_failed(const char *text, const char *file, int line)
{
	(void)text;
	(void)file;
	(void)line;
	abort();
}

// --- The network ---

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static size_t get16(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

static void put_mac(uint8_t mac[6], unsigned who)
{
	const uint8_t vm[6] = { 0x02, 0x53, 10, 0, 2, (uint8_t)(99 + who) };
	const uint8_t gateway[6] = { 0x52, 0x55, 10, 0, 2, 2 };

	memcpy(mac, who == 0 ? gateway : vm, 6);
}

static void put_ip(uint8_t ip[4], unsigned who)
{
	const uint8_t address[4] = { 10, 0, 2, who == 0 ? 2 : (uint8_t)(99 + who) };

	memcpy(ip, address, 4);
}

static void give_frame(const uint8_t *frame, size_t len, uint16_t flags, bool inline_frame)
{
	struct msg_netdev_frame meta = { .length = (uint32_t)len, .flags = flags };
	struct message m;
	handle_t folio;
	void *base;

	if (device == HANDLE_NONE)
		return;
	if (inline_frame && len <= MESSAGE_MAX_DATA - sizeof(meta)) {
		if (message_encode_netdev_frame(&m, &meta, frame, len) == 0)
			fake_send(device, &m);
		return;
	}
	meta.offset = 2;
	if (folio_create(FRAME_MAX + 256, FOLIO_CONTIGUOUS, &folio) != 0)
		return;
	if (folio_map(folio, PROT_WRITE, &base) != 0 ||
	    message_encode_netdev_frame(&m, &meta, NULL, 0) != 0)
		abort();
	memcpy((uint8_t *)base + 2, frame, len);
	m.handles[0] = folio;
	m.num_handles = 1;
	fake_send(device, &m);
}

static uint16_t frame_flags(unsigned who)
{
	return NETDEV_FRAME_CSUM_VERIFIED | (who != 0 ? NETDEV_FRAME_OF_PORT : 0);
}

static size_t put_ipv4(uint8_t *frame, unsigned who, uint8_t protocol, size_t payload)
{
	uint8_t ours[4] = { 10, 0, 2, 15 }, *ip = frame + 14;
	uint16_t sum;

	if (tcpip.link.netif_added && !ip4_addr_isany(netif_ip4_addr(&tcpip.link.netif)))
		memcpy(ours, &netif_ip4_addr(&tcpip.link.netif)->addr, 4);
	memcpy(frame, our_mac, 6);
	put_mac(frame + 6, who);
	put16(frame + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, 20 + payload);
	ip[8] = 64;
	ip[9] = protocol;
	put_ip(ip + 12, who);
	memcpy(ip + 16, ours, 4);
	sum = (uint16_t)~checksum_sum(ip, 20);
	memcpy(ip + 10, &sum, 2);
	return 34;
}

static size_t put_ipv6(uint8_t *frame, unsigned who, uint8_t next, size_t payload)
{
	uint8_t *ip = frame + 14;

	memcpy(frame, our_mac, 6);
	put_mac(frame + 6, who);
	put16(frame + 12, 0x86dd);
	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, payload);
	ip[6] = next;
	ip[7] = 255;
	ip[8] = 0xfe;
	ip[9] = 0x80;
	ip[23] = (uint8_t)(2 + who);
	if (tcpip.link.netif_added)
		memcpy(ip + 24, ip_2_ip6(&tcpip.link.netif.ip6_addr[0])->addr, 16);
	return 54;
}

static const struct tcp_pcb *pcb_of(unsigned who, uint16_t port)
{
	uint8_t ip[4];

	put_ip(ip, who);
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (IP_IS_V4(&pcb->remote_ip) &&
		    memcmp(&ip_2_ip4(&pcb->remote_ip)->addr, ip, 4) == 0 &&
		    (pcb->remote_port == port || pcb->local_port != 80))
			return pcb;
	}
	return NULL;
}

// A segment that fits a connection, or opens one: the first byte has the flags, the second moves
// the sequence number, the third the acknowledgment, and the rest is data.
static void give_tcp(uint8_t how, const uint8_t *data, size_t len)
{
	unsigned who = how % 3;
	uint16_t port = (uint16_t)(4000 + (how >> 4));
	const struct tcp_pcb *pcb = pcb_of(who, port);
	uint8_t frame[FRAME_MAX], *tcp;
	size_t payload = len > 3 ? len - 3 : 0;
	size_t at = put_ipv4(frame, who, 6, 20 + payload);

	tcp = frame + at;
	memset(tcp, 0, 20);
	put16(tcp, pcb != NULL ? pcb->remote_port : port);
	put16(tcp + 2, pcb != NULL ? pcb->local_port : 80);
	put32(tcp + 4, (pcb != NULL ? pcb->rcv_nxt : 1000) + (len > 1 ? data[1] : 0u) % 64);
	put32(tcp + 8, pcb != NULL ? pcb->snd_nxt - (len > 2 ? data[2] : 0u) % 8 : 0);
	tcp[12] = 5 << 4;
	tcp[13] = len > 0 ? data[0] & 0x3f : TCP_SYN;
	put16(tcp + 14, (how & 8) != 0 ? 0 : 4000);
	memcpy(tcp + 20, data + (len - payload), payload);
	give_frame(frame, at + 20 + payload, frame_flags(who), false);
}

static void give_udp(unsigned who, uint16_t from, uint16_t to, const uint8_t *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	size_t at = put_ipv4(frame, who, 17, 8 + len);

	put16(frame + at, from);
	put16(frame + at + 2, to);
	put16(frame + at + 4, 8 + len);
	put16(frame + at + 6, 0);
	memcpy(frame + at + 8, data, len);
	give_frame(frame, at + 8 + len, frame_flags(who), false);
}

// A DHCP answer to what was asked; the data are options.
static void give_dhcp(uint8_t how, const uint8_t *data, size_t len)
{
	const struct dhcp *dhcp = tcpip.link.netif_added ? netif_dhcp_data(&tcpip.link.netif)
							 : NULL;
	uint8_t packet[240 + 256] = { 2, 1, 6, 0 };

	if (dhcp == NULL)
		return;
	put32(packet + 4, dhcp->xid);
	memcpy(packet + 16, (const uint8_t[]){ 10, 0, 2, (uint8_t)(15 + how % 2) }, 4);
	memcpy(packet + 28, our_mac, 6);
	put32(packet + 236, 0x63825363);
	memcpy(packet + 240, data, len);
	give_udp(0, 67, 68, packet, 240 + len);
}

// An answer to the last query: its id and question, and what the data say besides.
static void give_dns(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t packet[sizeof(query) + 256];

	if (query_len < 12)
		return;
	memcpy(packet, query, query_len);
	packet[2] = 0x81;
	packet[3] = how & 0x0f ? 0x80 : (uint8_t)(0x80 | how);
	put16(packet + 6, 1 + how % 3);
	memcpy(packet + query_len, data, len);
	give_udp(0, 53, query_port, packet, query_len + len);
}

// The address 10.0.2.`host` is that of `who`.
static void give_arp(unsigned who, uint8_t host)
{
	const uint8_t ours[4] = { 10, 0, 2, 15 }, theirs[4] = { 10, 0, 2, host };
	uint8_t frame[42] = { 0 };

	memcpy(frame, our_mac, 6);
	put_mac(frame + 6, who);
	put16(frame + 12, 0x0806);
	put16(frame + 14, 1);
	put16(frame + 16, 0x0800);
	frame[18] = 6;
	frame[19] = 4;
	frame[21] = 2;
	put_mac(frame + 22, who);
	memcpy(frame + 28, theirs, 4);
	memcpy(frame + 32, our_mac, 6);
	memcpy(frame + 38, ours, 4);
	give_frame(frame, sizeof(frame), frame_flags(who), true);
}

// What the server sends: ARP requests are answered, DNS queries remembered, and all of it is read
// for the sanitizer.
static void look_at_frame(const uint8_t *frame, size_t len)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + frame[i]);
	if (len >= 42 && get16(frame + 12) == 0x0806 && frame[21] == 1 && frame[38] == 10)
		give_arp(frame[41] < 100 ? 0 : frame[41] - 99u, frame[41]);
	if (len > 42 && get16(frame + 12) == 0x0800 && frame[23] == 17 && get16(frame + 36) == 53) {
		query_len = len - 42 < sizeof(query) ? len - 42 : sizeof(query);
		memcpy(query, frame + 42, query_len);
		query_port = (uint16_t)get16(frame + 34);
	}
}

static void take_frames(void)
{
	struct msg_netdev_frame meta;
	struct folio_info info;
	struct message m;
	const uint8_t *tail;
	handle_t folio;
	size_t len;
	void *base;

	while (device != HANDLE_NONE && fake_take(device, &m, &folio)) {
		if (message_decode_netdev_frame(&m, &meta, &tail, &len) != 0) {
			// Its network, or what it takes.
		} else if (folio == HANDLE_NONE) {
			if (meta.length != len)
				abort();
			look_at_frame(tail, len);
		} else if (folio_info(folio, &info) != 0 ||
		           !range_within(meta.offset, meta.length, info.size) ||
		           folio_map(folio, PROT_READ, &base) != 0) {
			abort();
		} else {
			look_at_frame((uint8_t *)base + meta.offset, meta.length);
		}
		if (folio != HANDLE_NONE)
			handle_close(folio);
	}
}

static void bring_up(void)
{
	struct msg_netdev_info info = { .mtu = 1500,
		                        .features = NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 |
		                                NETDEV_FEATURE_TSO6 };
	struct message m;
	handle_t fresh = fake_provider_accept(ethernet);

	if (fresh == HANDLE_NONE)
		return;
	if (device != HANDLE_NONE)
		handle_close(device);
	device = fresh;
	memcpy(info.mac, our_mac, 6);
	if (message_encode_netdev_info(&m, &info, NULL, 0) == 0)
		fake_send(device, &m);
}

// --- Clients ---

static void close_end(handle_t *end)
{
	if (*end != HANDLE_NONE)
		handle_close(*end);
	*end = HANDLE_NONE;
}

static void keep_socket(handle_t socket)
{
	for (size_t i = 0; i < CHANNELS; i++) {
		if (sockets[i] == HANDLE_NONE) {
			sockets[i] = socket;
			return;
		}
	}
	handle_close(socket);
}

// Takes all that waits: channels are kept, folios are not.
static void drain(handle_t end)
{
	struct message m;
	handle_t handle;

	while (end != HANDLE_NONE && fake_take(end, &m, &handle)) {
		if (handle == HANDLE_NONE)
			continue;
		if (m.type == MSG_CONNECT || m.type == MSG_OPEN_REPLY)
			keep_socket(handle);
		else
			handle_close(handle);
	}
}

static void open_uri(uint8_t how, const uint8_t *data, size_t len)
{
	static const char *const uris[] = { "tcp-listen:0.0.0.0:80", "tcp-listen:*:80",
		                            "udp-listen:0.0.0.0:53", "tcp:10.0.2.2:1",
		                            "tcp:10.0.2.100:2",      "udp:10.0.2.2:3",
		                            "tcp:localhost:80",      "tcp:example.org:5",
		                            "udp:[fe80::2]:6",       "tcp:[fe80::3]:7" };
	struct msg_open open = { .id = how };
	struct message m;
	handle_t *client = &clients[how % 2];

	if (*client == HANDLE_NONE)
		*client = fake_client_connect(service);
	if (len == 0) {
		data = (const uint8_t *)uris[(how >> 1) % 10];
		len = strlen(uris[(how >> 1) % 10]);
	}
	if (*client != HANDLE_NONE && message_encode_open(&m, &open, data, len) == 0)
		fake_send(*client, &m);
}

// A message of any type with any bytes, and a folio if `how` says so.
static void say(handle_t end, uint32_t type, uint8_t how, const uint8_t *data, size_t len)
{
	struct message m;

	if (end == HANDLE_NONE)
		return;
	message_init(&m, type);
	m.len = (uint16_t)(len < MESSAGE_MAX_DATA ? len : MESSAGE_MAX_DATA);
	memset(m.data, 0, sizeof(m.data));
	memcpy(m.data, data, m.len);
	if ((how & 1) != 0 && folio_create(70000, FOLIO_CONTIGUOUS, &m.handles[0]) == 0)
		m.num_handles = 1;
	fake_send(end, &m);
}

// Data of up to 64 KiB.
static void say_data(handle_t end, uint8_t how, size_t len)
{
	struct msg_data data = { .offset = how, .length = (uint32_t)(len * 256) };
	struct message m;
	handle_t folio;

	if (end == HANDLE_NONE || folio_create(70000, FOLIO_CONTIGUOUS, &folio) != 0)
		return;
	if (message_encode_data(&m, &data, NULL, 0) != 0)
		abort();
	m.handles[0] = folio;
	m.num_handles = 1;
	fake_send(end, &m);
}

// --- Steps ---

enum step {
	RAW,
	TCP,
	UDP,
	DHCP,
	DNS,
	IPV6,
	IPV4,
	OPEN,
	SAY,
	DATA,
	CLOSE,
	DRAIN,
	SWITCH,
	GONE,
	TIME,
	MEMORY,
	RESTART,
	NUM_STEPS
};

static void turn(void)
{
	for (int i = 0; i < 4; i++) {
		fake_loop_settle(&tcpip.loop);
		sys_check_timeouts();
		do {
			connections_flush(&tcpip);
			netif_poll_all();
		} while (!list_is_empty(&tcpip.dirty));
		link_flush(&tcpip.link);
		link_tell_network(&tcpip.link);
		take_frames();
		bring_up();
	}
}

static void pass(nsec_t ns)
{
	nsec_t now;

	fake_time_pass(ns);
	if (clock_get(CLOCK_MONOTONIC, &now) == 0)
		(void)link_check_fallback(&tcpip.link, now);
	turn();
}

// Where ICMP and ICMPv6 have their checksum is the right one.
static void fill_icmp_checksum(uint8_t *frame, size_t at, size_t len, uint8_t protocol)
{
	uint8_t pseudo[40 + FRAME_MAX] = { 0 };
	size_t extra = protocol == IP6_NEXTH_ICMP6 ? 40 : 0;
	uint16_t sum;

	if ((protocol != IP_PROTO_ICMP && protocol != IP6_NEXTH_ICMP6) || len < 4)
		return;
	put16(frame + at + 2, 0);
	if (extra != 0) {
		memcpy(pseudo, frame + 22, 32);
		put16(pseudo + 34, len);
		pseudo[39] = protocol;
	}
	memcpy(pseudo + extra, frame + at, len);
	sum = (uint16_t)~checksum_sum(pseudo, extra + len);
	memcpy(frame + at + 2, &sum, 2);
}

// A packet of the protocol in the first byte. An IPv4 fragment, if `how` says so, at a place of the
// second.
static void give_ip(enum step what, uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	unsigned who = how % 3;
	uint8_t protocol = len > 0 ? data[0] : 0;
	uint16_t sum;
	size_t at;

	len -= len > 0;
	at = what == IPV6 ? put_ipv6(frame, who, protocol, len)
			  : put_ipv4(frame, who, protocol, len);
	memcpy(frame + at, data + 1, len);
	fill_icmp_checksum(frame, at, len, protocol);
	if ((how & 0x80) != 0 && what == IPV4 && len > 0) {
		put16(frame + 20, ((how & 0x40) != 0 ? 0x2000u : 0) | data[1] % 8u);
		put16(frame + 24, 0);
		sum = (uint16_t)~checksum_sum(frame + 14, 20);
		memcpy(frame + 24, &sum, 2);
	}
	give_frame(frame, at + len, frame_flags(who), (how & 8) != 0);
}

static void gone(unsigned who)
{
	struct msg_netdev_gone gone = { 0 };
	struct message m;

	put_mac(gone.mac, who);
	put_ip(gone.address, who);
	if (device != HANDLE_NONE && message_encode_netdev_gone(&m, &gone, NULL, 0) == 0)
		fake_send(device, &m);
}

static void step(enum step what, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = {
		MSG_DATA, MSG_END, MSG_ABORT, MSG_DATAGRAM, MSG_OPEN, 99
	};
	handle_t *socket = &sockets[how % CHANNELS];

	switch (what) {
	case RAW: give_frame(data, len, how, (how & 64) != 0); break;
	case TCP: give_tcp(how, data, len); break;
	case UDP: give_udp(how % 3, 999, (how & 64) != 0 ? 68 : 53, data, len); break;
	case DHCP: give_dhcp(how, data, len); break;
	case DNS: give_dns(how, data, len); break;
	case IPV6:
	case IPV4: give_ip(what, how, data, len); break;
	case OPEN: open_uri(how, data, len); break;
	case SAY: say(*socket, types[(how >> 4) % 6], how >> 3, data, len); break;
	case DATA: say_data(*socket, how, len); break;
	case CLOSE: close_end((how & 0x80) != 0 ? &clients[how % 2] : socket); break;
	case DRAIN: drain((how & 0x80) != 0 ? clients[how % 2] : *socket); break;
	case SWITCH:
		say(device, (how & 2) != 0 ? MSG_NETDEV_FRAME : how % 64, how, data, len);
		break;
	case GONE: gone(1 + how % 2); break;
	case TIME: pass((nsec_t)how * 100 * NSEC_PER_MSEC); break;
	case MEMORY: fake_memory_fail(how); break;
	default: close_end(&device); break;
	}
}

static void start(void)
{
	static struct environ
		env = { .num_entries = 6,
		        .entries = {
				{ .kind = ENV_CONNECTOR, .name = "ethernet" },
				{ .kind = ENV_SERVICE, .name = "tcpip" },
				{ .kind = ENV_CONFIG, .name = "address", .value = "10.0.2.15/24" },
				{ .kind = ENV_CONFIG, .name = "gateway", .value = "10.0.2.2" },
				{ .kind = ENV_CONFIG, .name = "dns", .value = "10.0.2.3" },
				{ .kind = ENV_CONFIG, .name = "dhcp_timeout", .value = "10" },
			} };

	ethernet = fake_connector_create();
	service = fake_service_create();
	env.entries[0].handle = ethernet;
	env.entries[1].handle = service;
	tcpip.env = &env;
	list_init(&tcpip.dirty);
	lwip_init();
	shares_init();
	if (loop_init(&tcpip.loop) != 0 || link_init(&tcpip.link, &tcpip) != 0 ||
	    clients_init(&tcpip) != 0)
		abort();
	turn();
	pass(11 * NSEC_PER_SEC);
}

// Everybody leaves. Queues of lwIP's, for neighbours and reassembly, need their time.
static void finish(size_t handles, size_t allocated)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < CHANNELS; i++)
		close_end(&sockets[i]);
	close_end(&clients[0]);
	close_end(&clients[1]);
	turn();
	for (int i = 0; i < QUIET_SECONDS; i++) {
		if (tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL &&
		    fake_num_allocated() <= allocated && fake_num_handles() <= handles)
			return;
		pass(NSEC_PER_SEC);
	}
	abort();  // something is left
}

// The next input finds the static address again.
static void restart(void)
{
	if (!tcpip.link.netif_added ||
	    netif_ip4_addr(&tcpip.link.netif)->addr == PP_HTONL(LWIP_MAKEU32(10, 0, 2, 15)))
		return;
	close_end(&device);
	turn();
	pass(11 * NSEC_PER_SEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles, allocated;

	if (handles == 0) {
		start();
		handles = fake_num_handles();
		allocated = fake_num_allocated();
	}
	while (size >= 3) {
		size_t len = data[2] < size - 3 ? data[2] : size - 3;

		step((enum step)(data[0] % NUM_STEPS), data[1], data + 3, len);
		turn();
		data += 3 + len;
		size -= 3 + len;
	}
	finish(handles, allocated);
	restart();
	return 0;
}
