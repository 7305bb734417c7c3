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

#include "apps/tcpip/network_fake.h"
#include "apps/tcpip/share.h"
#include "apps/tcpip/tcpip.h"
#include "libs/abi/tcpip.h"
#include "libs/lwip_port/nd_guard.h"
#include "libs/starina/clients_fake.h"
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
#define QUIET_SECONDS 400

static struct tcpip tcpip;
static handle_t service;
static handle_t clients[2], sockets[CHANNELS];
static uint32_t random_state = 1;

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

// --- Clients ---

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

enum {
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
		network_turn();
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

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t types[] = { MSG_DATA, MSG_END,  MSG_ABORT,  MSG_DATAGRAM,
		                          MSG_OPEN, MSG_SYNC, MSG_WINDOW, 99 };
	handle_t *socket = &sockets[how % CHANNELS];

	switch (what) {
	case RAW: network_give_frame(data, len, how, (how & 64) != 0); break;
	case TCP: network_give_tcp(how, data, len); break;
	case UDP: network_give_udp(how % 3, 999, (how & 64) != 0 ? 68 : 53, data, len); break;
	case DHCP: network_give_dhcp(how, data, len); break;
	case DNS: network_give_dns(how, data, len); break;
	case IPV6: network_give_ipv6(how, data, len); break;
	case IPV4: network_give_ipv4(how, data, len); break;
	case OPEN: open_uri(how, data, len); break;
	case SAY:
		fake_say(*socket, types[(how >> 4) % 8], data, len,
		         fake_cargo((how & 8) != 0, true), 70000);
		break;
	case DATA: say_data(*socket, how, len); break;
	case CLOSE: fake_close((how & 0x80) != 0 ? &clients[how % 2] : socket); break;
	case DRAIN:
		fake_take_all((how & 0x80) != 0 ? clients[how % 2] : *socket, sockets, CHANNELS);
		break;
	case SWITCH:
		fake_say(network_device, (how & 2) != 0 ? MSG_NETDEV_FRAME : how % 64, data, len,
		         fake_cargo((how & 1) != 0, true), 70000);
		break;
	case GONE: network_lose(1 + how % 2); break;
	case TIME: pass((nsec_t)how * 100 * NSEC_PER_MSEC); break;
	case MEMORY: fake_memory_fail(how); break;
	default: fake_close(&network_device); break;
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

	service = fake_service_create();
	env.entries[0].handle = network_init(&tcpip);
	env.entries[1].handle = service;
	tcpip.env = &env;
	list_init(&tcpip.dirty);
	lwip_init();
	shares_init();
	if (!nd_guard_start() || loop_init(&tcpip.loop) != 0 ||
	    link_init(&tcpip.link, &tcpip) != 0 || clients_init(&tcpip) != 0)
		abort();
	turn();
	pass(11 * NSEC_PER_SEC);
}

// Everybody leaves. Queues of lwIP's, for neighbours and reassembly, need their time.
static void finish(size_t handles, size_t allocated)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < CHANNELS; i++)
		fake_close(&sockets[i]);
	fake_close(&clients[0]);
	fake_close(&clients[1]);
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
	fake_close(&network_device);
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
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish(handles, allocated);
	restart();
	return 0;
}
