// SPDX-License-Identifier: MIT
//
// Solicitations for our address: one that is right is answered, one whose option has no length is
// not, wherever ICMPv6 lies.
#include "libs/lwip_port/nd_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

static struct netif netif;
static u32_t now;
static unsigned advertisements;

u32_t sys_now(void)
{
	return now;
}

uint32_t lwip_port_random(void)
{
	return 4;
}

u16_t lwip_port_ooseq_limit(const struct tcp_pcb *pcb)
{
	(void)pcb;
	return 4;
}

void lwip_port_assert_failed(const char *text, const char *file, int line)
{
	(void)text;
	(void)file;
	(void)line;
	abort();
}

static err_t output(struct netif *n, struct pbuf *p)
{
	(void)n;
	advertisements += pbuf_get_at(p, 54) == 136;
	return ERR_OK;
}

static err_t start_netif(struct netif *n)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	n->output_ip6 = ethip6_output;
	n->linkoutput = output;
	n->mtu = 1500;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, mac, 6);
	// Checksums of what comes are not looked at.
	NETIF_SET_CHECKSUM_CTRL(n, NETIF_CHECKSUM_GEN_ICMP6);
	n->flags = NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
	return ERR_OK;
}

static int setup(void **state)
{
	(void)state;
	lwip_init();
	assert_true(nd_guard_start());
	netif_add_noaddr(&netif, NULL, start_netif, ethernet_input);
	netif_set_link_up(&netif);
	netif_set_up(&netif);
	netif_create_ip6_linklocal_address(&netif, 1);
	netif_ip6_addr_set_state(&netif, 0, IP6_ADDR_PREFERRED);
	return 0;
}

// From fe80::2; `hop` puts a header of options for each hop before it. The option is `words` long.
static void solicit(bool hop, uint8_t words, size_t option_bytes)
{
	uint8_t frame[14 + 40 + 8 + 32] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60 };
	uint8_t *ip = frame + 14, *icmp = ip + 40;
	size_t len = 24 + option_bytes + (hop ? 8 : 0);
	struct pbuf *p;

	ip[5] = (uint8_t)len;
	ip[6] = hop ? 0 : 58;
	ip[7] = 255;
	ip[8] = 0xfe;
	ip[9] = 0x80;
	ip[23] = 2;
	memcpy(ip + 24, netif_ip6_addr(&netif, 0)->addr, 16);
	if (hop) {
		memcpy(icmp, (const uint8_t[]){ 58, 0, 1, 4, 0, 0, 0, 0 }, 8);
		icmp += 8;
	}
	icmp[0] = 135;
	memcpy(icmp + 8, netif_ip6_addr(&netif, 0)->addr, 16);
	icmp[24] = 1;
	icmp[25] = words;
	icmp[31] = 2;
	p = pbuf_alloc(PBUF_RAW, (u16_t)(54 + len), PBUF_RAM);
	assert_non_null(p);
	pbuf_take(p, frame, (u16_t)(54 + len));
	advertisements = 0;
	if (netif.input(p, &netif) != ERR_OK)
		pbuf_free(p);
}

static void good_ones_are_answered(void **state)
{
	(void)state;
	solicit(false, 1, 8);
	assert_int_equal(advertisements, 1);
	solicit(true, 1, 8);
	assert_int_equal(advertisements, 1);
}

static void options_that_do_not_fit(void **state)
{
	(void)state;
	for (int hop = 0; hop < 2; hop++) {
		solicit(hop != 0, 0, 2);
		assert_int_equal(advertisements, 0);
		solicit(hop != 0, 0, 8);
		assert_int_equal(advertisements, 0);
		solicit(hop != 0, 2, 8);
		assert_int_equal(advertisements, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_answered),
		cmocka_unit_test(options_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
