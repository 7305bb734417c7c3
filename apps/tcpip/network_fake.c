// SPDX-License-Identifier: MIT
#include "apps/tcpip/network_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/abi/netdev.h"
#include "libs/base/checksum.h"
#include "libs/starina/clients_fake.h"
#include "lwip/dhcp.h"
#include "lwip/priv/tcp_priv.h"

#define FRAME_MAX 2048u

handle_t network_device;
static struct tcpip *tcpip;
static handle_t ethernet;
// The last DNS query that was sent: its UDP payload and source port.
static uint8_t query[512];
static size_t query_len;
static uint16_t query_port;

static const uint8_t our_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

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

void network_give_frame(const uint8_t *frame, size_t len, uint16_t flags, bool inline_frame)
{
	struct msg_netdev_frame meta = { .length = (uint32_t)len, .flags = flags };
	struct message m;
	handle_t folio;
	void *base;

	if (network_device == HANDLE_NONE)
		return;
	if (inline_frame && len <= MESSAGE_MAX_DATA - sizeof(meta)) {
		if (message_encode_netdev_frame(&m, &meta, frame, len) == 0)
			fake_send(network_device, &m);
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
	fake_send(network_device, &m);
}

static uint16_t frame_flags(unsigned who)
{
	return NETDEV_FRAME_CSUM_VERIFIED | (who != 0 ? NETDEV_FRAME_OF_PORT : 0);
}

static size_t put_ipv4(uint8_t *frame, unsigned who, uint8_t protocol, size_t payload)
{
	uint8_t ours[4] = { 10, 0, 2, 15 }, *ip = frame + 14;
	uint16_t sum;

	if (tcpip->link.netif_added && !ip4_addr_isany(netif_ip4_addr(&tcpip->link.netif)))
		memcpy(ours, &netif_ip4_addr(&tcpip->link.netif)->addr, 4);
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
	if (tcpip->link.netif_added)
		memcpy(ip + 24, ip_2_ip6(&tcpip->link.netif.ip6_addr[0])->addr, 16);
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
void network_give_tcp(uint8_t how, const uint8_t *data, size_t len)
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
	network_give_frame(frame, at + 20 + payload, frame_flags(who), false);
}

void network_give_udp(unsigned who, uint16_t from, uint16_t to, const uint8_t *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	size_t at = put_ipv4(frame, who, 17, 8 + len);

	put16(frame + at, from);
	put16(frame + at + 2, to);
	put16(frame + at + 4, 8 + len);
	put16(frame + at + 6, 0);
	memcpy(frame + at + 8, data, len);
	network_give_frame(frame, at + 8 + len, frame_flags(who), false);
}

// A DHCP answer to what was asked; the data are options.
void network_give_dhcp(uint8_t how, const uint8_t *data, size_t len)
{
	const struct dhcp *dhcp = tcpip->link.netif_added ? netif_dhcp_data(&tcpip->link.netif)
							  : NULL;
	uint8_t packet[240 + 256] = { 2, 1, 6, 0 };

	if (dhcp == NULL)
		return;
	put32(packet + 4, dhcp->xid);
	memcpy(packet + 16, (const uint8_t[]){ 10, 0, 2, (uint8_t)(15 + how % 2) }, 4);
	memcpy(packet + 28, our_mac, 6);
	put32(packet + 236, 0x63825363);
	memcpy(packet + 240, data, len);
	network_give_udp(0, 67, 68, packet, 240 + len);
}

// An answer to the last query: its id and question, and what the data say besides.
void network_give_dns(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t packet[sizeof(query) + 256];

	if (query_len < 12)
		return;
	memcpy(packet, query, query_len);
	packet[2] = 0x81;
	packet[3] = how & 0x0f ? 0x80 : (uint8_t)(0x80 | how);
	put16(packet + 6, 1 + how % 3);
	memcpy(packet + query_len, data, len);
	network_give_udp(0, 53, query_port, packet, query_len + len);
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
	network_give_frame(frame, sizeof(frame), frame_flags(who), true);
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

	while (fake_take(network_device, &m, &folio)) {
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
		fake_close(&folio);
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
	fake_close(&network_device);
	network_device = fresh;
	memcpy(info.mac, our_mac, 6);
	if (message_encode_netdev_info(&m, &info, NULL, 0) == 0)
		fake_send(network_device, &m);
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

void network_lose(unsigned who)
{
	struct msg_netdev_gone gone = { 0 };
	struct message m;

	put_mac(gone.mac, who);
	put_ip(gone.address, who);
	if (message_encode_netdev_gone(&m, &gone, NULL, 0) == 0)
		fake_send(network_device, &m);
}

// The rest of a packet whose first `at` bytes are there.
static void give_packet(uint8_t *frame, size_t at, uint8_t how, const uint8_t *data, size_t len,
                        uint8_t protocol)
{
	memcpy(frame + at, data, len);
	fill_icmp_checksum(frame, at, len, protocol);
	network_give_frame(frame, at + len, frame_flags(how % 3), (how & 8) != 0);
}

void network_give_ipv6(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t frame[FRAME_MAX];

	if (len == 0)
		return;
	give_packet(frame, put_ipv6(frame, how % 3, data[0], len - 1), how, data + 1, len - 1,
	            data[0]);
}

void network_give_ipv4(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	uint16_t sum;
	size_t at;

	if (len == 0)
		return;
	at = put_ipv4(frame, how % 3, data[0], len - 1);
	if ((how & 0x80) != 0 && len > 1) {
		put16(frame + 20, ((how & 0x40) != 0 ? 0x2000u : 0) | data[1] % 8u);
		put16(frame + 24, 0);
		sum = (uint16_t)~checksum_sum(frame + 14, 20);
		memcpy(frame + 24, &sum, 2);
	}
	give_packet(frame, at, how, data + 1, len - 1, data[0]);
}

handle_t network_init(struct tcpip *server)
{
	tcpip = server;
	ethernet = fake_connector_create();
	return ethernet;
}

void network_turn(void)
{
	take_frames();
	bring_up();
}
