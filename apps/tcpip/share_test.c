// SPDX-License-Identifier: MIT
//
// Shares with lwIP as it is: segments of the uplink and of virtual machines come in, and what lwIP
// answers is looked at.
#include "apps/tcpip/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/alloc.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "netif/ethernet.h"

#define HEADERS 54u
#define UPLINK 0u  // else the number of a virtual machine
#define GATEWAY 2u
#define SYN TCP_SYN
#define ACK TCP_ACK

u32_t sys_now(void);
u32_t sys_now(void)
{
	return 0;
}

uint32_t lwip_port_random(void)
{
	return 4;
}

void lwip_port_assert_failed(const char *text, const char *file, int line)
{
	fail_msg("%s:%d: %s", file, line, text);
	abort();
}

static size_t num_allocated;

void *heap_alloc(size_t size)
{
	num_allocated++;
	return calloc(1, size);
}

void heap_free(void *memory)
{
	num_allocated -= memory != NULL;
	free(memory);
}

// --- The network ---

static struct netif netif;
static unsigned num_sent;
static struct {
	uint8_t flags;
	uint32_t seq;
} sent;  // the last segment

static err_t output(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	struct tcp_hdr tcp;

	(void)n;
	(void)to;
	pbuf_copy_partial(p, &tcp, sizeof(tcp), 20);
	sent.flags = TCPH_FLAGS(&tcp);
	sent.seq = lwip_ntohl(tcp.seqno);
	num_sent++;
	return ERR_OK;
}

static err_t output_frame(struct netif *n, struct pbuf *p)
{
	(void)n;
	(void)p;
	return ERR_OK;
}

static err_t netif_start(struct netif *n)
{
	n->output = output;
	n->linkoutput = output_frame;
	n->mtu = 1500;
	n->hwaddr_len = 6;
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	NETIF_SET_CHECKSUM_CTRL(n, 0);
	return ERR_OK;
}

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

static void put_mac(uint8_t mac[6], unsigned who)
{
	const uint8_t vm[6] = { 0x02, 0x53, 10, 0, 2, (uint8_t)(99 + who) };

	memcpy(mac, vm, 6);
}

static void put_ip(uint8_t ip[4], unsigned who)
{
	const uint8_t address[4] = { 10, 0, 2, who == UPLINK ? GATEWAY : (uint8_t)(99 + who) };

	memcpy(ip, address, 4);
}

// A segment from `who` to our port 80.
static void give(unsigned who, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	static const uint8_t our_ip[4] = { 10, 0, 2, 15 };
	uint8_t frame[HEADERS + 1460] = { 0 };
	uint8_t *ip = frame + 14, *tcp = frame + 34;
	struct pbuf *p;

	put_mac(frame + 6, who);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 40 + len);
	ip[8] = 64;
	ip[9] = 6;
	put_ip(ip + 12, who);
	memcpy(ip + 16, our_ip, 4);
	put16(tcp, port);
	put16(tcp + 2, 80);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 60000);
	p = pbuf_alloc(PBUF_RAW, (u16_t)(HEADERS + len), PBUF_RAM);
	assert_non_null(p);
	pbuf_take(p, frame, (u16_t)(HEADERS + len));
	share_sender_set(who == UPLINK ? NULL : frame + 6);
	if (netif.input(p, &netif) != ERR_OK)
		pbuf_free(p);
	share_sender_clear();
}

static bool syn(unsigned who, uint16_t port)
{
	num_sent = 0;
	give(who, port, SYN, 1000, 0, 0);
	return num_sent > 0 && sent.flags == (SYN | ACK);
}

// --- What uses the stack ---

static struct tcp_pcb *listening;
static unsigned num_accepted, num_lost;

static void lost(void *arg, err_t err)
{
	(void)err;
	num_lost++;
	share_release(arg);
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct share_member *member = share_established(pcb);

	(void)arg;
	assert_int_equal(err, ERR_OK);
	assert_non_null(member);
	tcp_arg(pcb, member);
	tcp_err(pcb, lost);
	num_accepted++;
	return ERR_OK;
}

static bool connect_from(unsigned who, uint16_t port)
{
	unsigned before = num_accepted;

	if (syn(who, port))
		give(who, port, ACK, 1001, sent.seq + 1, 0);
	return num_accepted == before + 1;
}

static struct tcp_pcb *pcb_of(unsigned who, uint16_t port)
{
	uint8_t ip[4];

	put_ip(ip, who);
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (pcb->remote_port == port &&
		    memcmp(&ip_2_ip4(&pcb->remote_ip)->addr, ip, 4) == 0)
			return pcb;
	}
	return NULL;
}

static void gone(unsigned who)
{
	uint8_t mac[6], ip[4];

	put_mac(mac, who);
	put_ip(ip, who);
	shares_reset_peer(mac, ip);
}

static void seconds(unsigned n)
{
	for (unsigned i = 0; i < 2 * n; i++)
		tcp_slowtmr();
}

static int setup(void **state)
{
	static bool started;
	ip4_addr_t addr, mask, gateway;

	(void)state;
	num_accepted = num_lost = 0;
	if (started)
		return 0;
	started = true;
	lwip_init();
	shares_init();
	IP4_ADDR(&addr, 10, 0, 2, 15);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	IP4_ADDR(&gateway, 10, 0, 2, GATEWAY);
	netif_add(&netif, &addr, &mask, &gateway, NULL, netif_start, ethernet_input);
	netif_set_default(&netif);
	netif_set_link_up(&netif);
	netif_set_up(&netif);
	listening = tcp_new();
	assert_int_equal(tcp_bind(listening, IP_ADDR_ANY, 80), ERR_OK);
	listening = tcp_listen(listening);
	share_listen(listening);
	tcp_accept(listening, accepted);
	return 0;
}

// Everybody leaves; nothing may be left.
static int teardown(void **state)
{
	(void)state;
	for (unsigned who = 0; who <= SHARE_MAX_VMS + 1; who++)
		gone(who);
	while (tcp_active_pcbs != NULL)
		tcp_abort(tcp_active_pcbs);
	assert_int_equal(num_allocated, 0);
	return 0;
}

// --- Tests ---

static void a_flood_of_syns(void **state)
{
	unsigned half_open = 0;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		assert_true(syn(UPLINK, (uint16_t)(1000 + i)));
		syn(1, (uint16_t)(1000 + i));
	}
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		half_open++;
	assert_int_equal(half_open,
	                 (SHARE_UPLINK_CONNECTIONS + SHARE_VM_CONNECTIONS) / SHARE_HALF_OPEN_PART);
	// Who does not flood is served, and who floods, too, if it is quick.
	assert_true(connect_from(2, 1));
	assert_true(connect_from(UPLINK, 1));
	assert_true(connect_from(1, 1));
	assert_int_equal(num_lost, 0);
}

static void a_machine_holds_its_share(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < SHARE_VM_CONNECTIONS; i++)
		assert_true(connect_from(1, (uint16_t)(1000 + i)));
	for (uint16_t i = 0; i < 300; i++)
		assert_false(connect_from(1, (uint16_t)(2000 + i)));
	assert_true(connect_from(2, 1));
	assert_true(connect_from(UPLINK, 1));
	assert_int_equal(num_lost, 0);
	// One that ends makes room.
	give(1, 1000, TCP_RST, 1001, 0, 0);
	assert_int_equal(num_lost, 1);
	assert_true(connect_from(1, 3000));
}

static void all_shares_fit(void **state)
{
	struct tcp_pcb *own[SHARE_OWN_CONNECTIONS];

	(void)state;
	for (unsigned who = 1; who <= SHARE_MAX_VMS; who++) {
		for (uint16_t i = 0; i < SHARE_VM_CONNECTIONS; i++)
			assert_true(connect_from(who, (uint16_t)(1000 + i)));
	}
	for (uint16_t i = 0; i < SHARE_OWN_CONNECTIONS; i++)
		assert_non_null(own[i] = share_connect(IPADDR_TYPE_V4));
	assert_null(share_connect(IPADDR_TYPE_V4));
	for (uint16_t i = 0; i < SHARE_UPLINK_CONNECTIONS; i++)
		assert_true(connect_from(UPLINK, (uint16_t)(1000 + i)));
	// More machines than the switch has.
	assert_false(connect_from(SHARE_MAX_VMS + 1, 1));
	assert_int_equal(num_lost, 0);
	for (uint16_t i = 0; i < SHARE_OWN_CONNECTIONS; i++)
		tcp_abort(own[i]);
}

static void the_idle_give_way(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < SHARE_VM_CONNECTIONS; i++)
		assert_true(connect_from(1, (uint16_t)(1000 + i)));
	seconds(SHARE_IDLE_SECONDS - 1);
	assert_false(connect_from(1, 2000));
	give(1, 1000, ACK, 1001, pcb_of(1, 1000)->snd_nxt, 1);
	seconds(1);
	assert_true(connect_from(1, 2000));
	// The oldest that was silent.
	assert_int_equal(num_lost, 1);
	assert_non_null(pcb_of(1, 1000));
	assert_null(pcb_of(1, 1001));
}

static void the_closed_give_way(void **state)
{
	struct tcp_pcb *pcb;

	(void)state;
	for (uint16_t i = 0; i < SHARE_VM_CONNECTIONS; i++)
		assert_true(connect_from(1, (uint16_t)(1000 + i)));
	pcb = pcb_of(1, 1007);
	share_release(pcb->callback_arg);
	tcp_err(pcb, NULL);
	assert_int_equal(tcp_close(pcb), ERR_OK);
	assert_true(connect_from(1, 2000));
	assert_null(pcb_of(1, 1007));
	assert_int_equal(num_lost, 0);
}

static void a_machine_is_gone(void **state)
{
	(void)state;
	assert_true(connect_from(UPLINK, 1));
	assert_true(connect_from(2, 1));
	for (uint16_t i = 0; i < SHARE_VM_CONNECTIONS; i++)
		assert_true(i % 2 != 0 ? connect_from(1, (uint16_t)(1000 + i))
		                       : syn(1, (uint16_t)(1000 + i)));
	gone(1);
	assert_int_equal(num_lost, SHARE_VM_CONNECTIONS / 2);
	for (uint16_t i = 0; i < SHARE_VM_CONNECTIONS; i++)
		assert_null(pcb_of(1, (uint16_t)(1000 + i)));
	assert_non_null(pcb_of(UPLINK, 1));
	assert_non_null(pcb_of(2, 1));
	assert_true(connect_from(1, 1));
}

// Connections fill their queues in turn until none may go on. Returns how much the last of them has
// got.
static unsigned fill(const unsigned *who, size_t n)
{
	static uint8_t bytes[TCP_MSS];
	struct share_member *member = NULL;
	bool more = true;

	for (size_t i = 0; i < n; i++) {
		struct tcp_pcb *pcb = pcb_of(who[i], (uint16_t)(1000 + i));

		member = pcb->callback_arg;
		while (share_may_queue(member) && more)
			more = tcp_write(pcb, bytes, tcp_mss(pcb), 0) == ERR_OK &&
				(share_count_queued(member), true);
		more = true;
	}
	return member->queued;
}

static void slow_peers_leave_room(void **state)
{
	unsigned who[33] = { 0 };

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		who[i] = 1;
		assert_true(connect_from(1, (uint16_t)(1000 + i)));
	}
	who[32] = UPLINK;
	assert_true(connect_from(UPLINK, 1000 + 32));
	// A window's worth of buffers, two a segment.
	assert_in_range(fill(who, 33), 2 * TCP_SND_BUF / TCP_MSS, UINT32_MAX);
	gone(1);
	assert_true(share_may_queue(pcb_of(UPLINK, 1032)->callback_arg));
}

// Nor do they keep out others of their share, in whatever order they came.
static void slow_peers_owe_a_segment(void **state)
{
	unsigned who[201] = { 0 };

	(void)state;
	for (uint16_t i = 0; i < 201; i++) {
		who[i] = UPLINK;
		assert_true(connect_from(UPLINK, 1000 + i));
	}
	fill(who, 200);
	assert_int_equal(share_may_queue(pcb_of(UPLINK, 1199)->callback_arg), 0);
	assert_int_equal(share_may_queue(pcb_of(UPLINK, 1200)->callback_arg), SHARE_QUEUED_OWED);
	assert_int_equal(fill(who, 201), SHARE_QUEUED_OWED);
}

static void untaken_data_leaves_room(void **state)
{
	struct share_member *first, *second;

	(void)state;
	assert_true(connect_from(1, 1));
	assert_true(connect_from(UPLINK, 1));
	first = pcb_of(1, 1)->callback_arg;
	second = pcb_of(UPLINK, 1)->callback_arg;
	while (share_may_wait(first))
		share_count_waiting(first, 4096);
	assert_in_range(first->waiting, SHARE_WAITING_MAX / 3, SHARE_WAITING_MAX / 3 + 4096);
	assert_true(share_may_wait(second));
	// It is counted until its owner lets go, whatever becomes of the pcb.
	give(1, 1, TCP_RST, 1001, 0, 0);
	share_count_waiting(second, 4096);
	share_count_waiting(second, -4096);
	assert_true(share_may_wait(second));
	// When it does, nothing lies there any more, though lwIP keeps the pcb for a while.
	while (share_may_wait(second))
		share_count_waiting(second, 4096);
	share_release(second);
	tcp_err(pcb_of(UPLINK, 1), NULL);
	assert_int_equal(second->waiting, 0);
}

static void segments_out_of_order(void **state)
{
	unsigned held = 0;

	(void)state;
	assert_true(connect_from(1, 1));
	assert_true(connect_from(1, 2));
	for (uint16_t port = 1; port <= 2; port++) {
		for (uint32_t i = 1; i <= SHARE_VM_OOSEQ; i++)
			give(1, port, ACK, 1001 + 2 * i, pcb_of(1, port)->snd_nxt, 1);
		for (const struct tcp_seg *seg = pcb_of(1, port)->ooseq; seg != NULL;
		     seg = seg->next)
			held++;
	}
	assert_int_equal(held, SHARE_VM_OOSEQ);
}

#define share_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		share_case(a_flood_of_syns),       share_case(a_machine_holds_its_share),
		share_case(all_shares_fit),        share_case(the_idle_give_way),
		share_case(the_closed_give_way),   share_case(a_machine_is_gone),
		share_case(slow_peers_leave_room), share_case(untaken_data_leaves_room),
		share_case(segments_out_of_order), share_case(slow_peers_owe_a_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
