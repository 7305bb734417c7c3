// SPDX-License-Identifier: MIT
//
// Feeds frames to lwIP as we configure it: a host with an IPv4 and an IPv6 address, a TCP listener,
// DHCP and a pending DNS query. Checksums are not checked, so that the fuzzer gets past them. Each
// input is a list of frames: two bytes of length, one of milliseconds that pass, the frame.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libs/lwip_port/nd_guard.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Frames that wait for reassembly are linked by pointers inside packed headers, where the leak
// checker does not look.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static struct netif netif;
static u32_t now;
static uint32_t random_state = 1;

u32_t sys_now(void)
{
	return now;
}

uint32_t lwip_port_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

u16_t lwip_port_ooseq_limit(const struct tcp_pcb *pcb)
{
	(void)pcb;
	return 256;
}

void lwip_port_assert_failed(const char *text, const char *file, int line)
{
	(void)text;
	(void)file;
	(void)line;
	abort();
}

static err_t drop_output(struct netif *n, struct pbuf *p)
{
	volatile uint8_t sum = 0;

	(void)n;
	for (; p != NULL; p = p->next) {  // the sanitizer looks at all that would be sent
		for (u16_t i = 0; i < p->len; i++)
			sum = (uint8_t)(sum + ((uint8_t *)p->payload)[i]);
	}
	return ERR_OK;
}

static err_t netif_start(struct netif *n)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

	n->output = etharp_output;
	n->output_ip6 = ethip6_output;
	n->linkoutput = drop_output;
	n->mtu = 1500;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, mac, 6);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
	NETIF_SET_CHECKSUM_CTRL(n,
	                        NETIF_CHECKSUM_GEN_IP | NETIF_CHECKSUM_GEN_TCP |
	                                NETIF_CHECKSUM_GEN_UDP | NETIF_CHECKSUM_GEN_ICMP |
	                                NETIF_CHECKSUM_GEN_ICMP6);
	return ERR_OK;
}

static err_t echo(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	(void)arg;
	(void)err;
	if (p == NULL)
		return tcp_close(pcb);
	tcp_write(pcb, p->payload, p->len, TCP_WRITE_FLAG_COPY);
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	if (err == ERR_OK)
		tcp_recv(pcb, echo);
	return ERR_OK;
}

static void name_found(const char *name, const ip_addr_t *addr, void *arg)
{
	(void)name;
	(void)addr;
	(void)arg;
}

static void start(void)
{
	ip4_addr_t addr, mask, gateway;
	struct tcp_pcb *pcb;

	lwip_init();
	if (!nd_guard_start())
		abort();
	IP4_ADDR(&addr, 10, 0, 2, 15);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	IP4_ADDR(&gateway, 10, 0, 2, 2);
	netif_add(&netif, &addr, &mask, &gateway, NULL, netif_start, ethernet_input);
	netif_set_default(&netif);
	netif_set_link_up(&netif);
	netif_set_up(&netif);
	netif_create_ip6_linklocal_address(&netif, 1);
	netif_set_ip6_autoconfig_enabled(&netif, 1);
	dhcp_start(&netif);
	pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (pcb == NULL || tcp_bind(pcb, IP_ANY_TYPE, 80) != ERR_OK)
		abort();
	pcb = tcp_listen(pcb);
	if (pcb == NULL)
		abort();
	tcp_accept(pcb, accepted);
}

// What the first byte of a frame asks for: as it is, or with headers that get it past the first
// checks.
enum kind {
	KIND_RAW,
	KIND_IPV4,  // the data is the payload, of the protocol in its first byte
	KIND_IPV6,
	KIND_TCP,        // a segment for our port, in the window of the newest connection
	KIND_ETHERTYPE,  // for us, of a type that we know
	NUM_KINDS,
};

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

static size_t put_ethernet(uint8_t *frame, uint16_t type)
{
	static const uint8_t peer[6] = { 0x52, 0x55, 10, 0, 2, 2 };

	memcpy(frame, netif.hwaddr, 6);
	memcpy(frame + 6, peer, 6);
	put16(frame + 12, type);
	return 14;
}

static size_t put_ipv4(uint8_t *frame, uint8_t protocol, size_t payload)
{
	static const uint8_t addresses[8] = { 10, 0, 2, 2, 10, 0, 2, 15 };
	uint8_t *ip = frame + put_ethernet(frame, 0x0800);

	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, 20 + payload);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, addresses, 8);
	return 34;
}

static size_t put_ipv6(uint8_t *frame, uint8_t next, size_t payload)
{
	uint8_t *ip = frame + put_ethernet(frame, 0x86dd);

	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, payload);
	ip[6] = next;
	ip[7] = 255;
	ip[8] = 0xfe;
	ip[9] = 0x80;
	ip[23] = 2;
	memcpy(ip + 24, ip_2_ip6(&netif.ip6_addr[0])->addr, 16);
	return 54;
}

// The data's first byte gives the flags, the second moves the sequence number.
static size_t put_tcp(uint8_t *frame, const uint8_t *data, size_t len)
{
	size_t at = put_ipv4(frame, 6, 20 + (len > 2 ? len - 2 : 0));
	uint8_t *tcp = frame + at;
	struct tcp_pcb *pcb = tcp_active_pcbs;

	memset(tcp, 0, 20);
	put16(tcp, 4000);
	put16(tcp + 2, 80);
	if (pcb != NULL) {
		put32(tcp + 4, pcb->rcv_nxt + (len > 1 ? data[1] : 0u) % 16);
		put32(tcp + 8, pcb->snd_nxt);
	}
	tcp[12] = 5 << 4;
	tcp[13] = len > 0 ? data[0] & 0x3f : 0x02;
	put16(tcp + 14, 1000);
	return at + 20;
}

static size_t put_headers(uint8_t *frame, const uint8_t **data, size_t *len)
{
	static const uint16_t types[4] = { 0x0806, 0x0800, 0x86dd, 0x8100 };
	enum kind kind = (enum kind)((*data)[0] % NUM_KINDS);
	size_t skip = kind == KIND_RAW ? 1 : 2;
	uint8_t arg = *len > 1 ? (*data)[1] : 0;
	size_t at = 0;

	if (skip > *len)
		skip = *len;
	*data += skip;
	*len -= skip;
	switch (kind) {
	case KIND_IPV4: return put_ipv4(frame, arg, *len);
	case KIND_IPV6: return put_ipv6(frame, arg, *len);
	case KIND_TCP:
		at = put_tcp(frame, *data, *len);
		skip = *len < 2 ? *len : 2;
		*data += skip;
		*len -= skip;
		return at;
	case KIND_ETHERTYPE: return put_ethernet(frame, types[arg % 4]);
	default: return 0;
	}
}

static void give_frame(const uint8_t *data, size_t len)
{
	static uint8_t frame[4096];
	size_t at = put_headers(frame, &data, &len);
	struct pbuf *p;

	memcpy(frame + at, data, len);
	if (at + len < 42)  // as apps/tcpip/link.c does
		return;
	p = pbuf_alloc(PBUF_RAW, (u16_t)(at + len), PBUF_RAM);
	if (p == NULL)
		abort();  // something leaks
	pbuf_take(p, frame, (u16_t)(at + len));
	if (netif.input(p, &netif) != ERR_OK)
		pbuf_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	ip_addr_t addr;

	if (!started) {
		start();
		dns_gethostbyname("example.org", &addr, name_found, NULL);
	}
	started = true;
	while (size > 3) {
		size_t len = (size_t)data[0] | (size_t)(data[1] & 7) << 8;

		now += (u32_t)data[2] * 4;
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (len > 0)
			give_frame(data, len);
		sys_check_timeouts();
		data += len;
		size -= len;
	}
	return 0;
}
