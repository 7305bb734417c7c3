// SPDX-License-Identifier: MIT
#include "libs/lwip_port/nd_guard.h"

#include <stddef.h>

#include "lwip/ip.h"
#include "lwip/pbuf.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip6.h"
#include "lwip/raw.h"

// Whether the packet is of ICMPv6, behind the extension headers that lwIP went through.
static bool is_icmp6(const struct pbuf *p, u16_t headers)
{
	u8_t next = pbuf_get_at(p, 6);
	u16_t at = IP6_HLEN;

	while (at < headers) {
		u8_t words = next == IP6_NEXTH_FRAGMENT ? 0 : pbuf_get_at(p, (u16_t)(at + 1));

		next = pbuf_get_at(p, at);
		at = (u16_t)(at + 8 * (words + 1));
	}
	return next == IP6_NEXTH_ICMP6;
}

// Where a message's options begin; 0: it is none of neighbour discovery.
static u16_t options_of(u8_t type)
{
	switch (type) {
	case ICMP6_TYPE_RS: return 8;
	case ICMP6_TYPE_RA: return 16;
	case ICMP6_TYPE_NS:
	case ICMP6_TYPE_NA: return 24;
	case ICMP6_TYPE_RD: return 40;
	default: return 0;
	}
}

// Section 4.6.
static bool options_fit(const struct pbuf *p, size_t at)
{
	while (at < p->tot_len) {
		size_t len = 8u * (size_t)pbuf_get_at(p, (u16_t)(at + 1));

		if (len == 0 || len > p->tot_len - at)
			return false;
		at += len;
	}
	return true;
}

// Returns 1 for a packet that goes no further; it is freed.
static u8_t look(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
	u16_t headers = ip_current_header_tot_len(), options;

	(void)arg;
	(void)pcb;
	(void)addr;
	if (!is_icmp6(p, headers))
		return 0;
	options = options_of(pbuf_get_at(p, headers));
	if (options == 0 || options_fit(p, (size_t)headers + options))
		return 0;
	pbuf_free(p);
	return 1;
}

bool nd_guard_start(void)
{
	// What may be the first header behind IPv6's.
	static const u8_t first[] = { IP6_NEXTH_ICMP6, IP6_NEXTH_HOPBYHOP, IP6_NEXTH_ROUTING,
		                      IP6_NEXTH_FRAGMENT, IP6_NEXTH_DESTOPTS };

	for (size_t i = 0; i < sizeof(first); i++) {
		struct raw_pcb *pcb = raw_new_ip_type(IPADDR_TYPE_V6, first[i]);

		if (pcb == NULL)
			return false;
		raw_recv(pcb, look, NULL);
	}
	return true;
}
