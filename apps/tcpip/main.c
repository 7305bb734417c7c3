// SPDX-License-Identifier: MIT
#include "apps/tcpip/share.h"
#include "apps/tcpip/tcpip.h"
#include "libs/lwip_port/nd_guard.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"

static struct tcpip state;

// While no connection needs exact timers, lwIP's periodic ones (neighbours, multicast, reassembly,
// DHCP) share their wake-ups: an idle system sleeps.
#define IDLE_TICK (500 * NSEC_PER_MSEC)

static nsec_t coalesce(nsec_t deadline)
{
	if (tcp_active_pcbs != NULL)
		return deadline;
	return (deadline + IDLE_TICK - 1) / IDLE_TICK * IDLE_TICK;
}

// lwIP's next timeout, or the link's, whichever comes first.
static nsec_t next_deadline(struct tcpip *tcpip)
{
	u32_t sleep_ms = sys_timeouts_sleeptime();
	nsec_t now = 0;
	nsec_t fallback;

	if (clock_get(CLOCK_MONOTONIC, &now))
		return 0;
	fallback = link_check_fallback(&tcpip->link, now);
	if (sleep_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
		return fallback;
	now = coalesce(now + sleep_ms * NSEC_PER_MSEC);
	return now < fallback ? now : fallback;
}

static void tcpip_main(const struct environ *env)
{
	struct tcpip *tcpip = &state;
	error_t err;

	tcpip->env = env;
	list_init(&tcpip->dirty);
	lwip_init();
	shares_init();
	err = nd_guard_start() ? loop_init(&tcpip->loop) : ERR_NO_MEMORY;
	if (!err)
		err = link_init(&tcpip->link, tcpip);
	if (!err)
		err = clients_init(tcpip);
	if (err) {
		log_error("cannot start: %s", error_text(err));
		process_exit(1);
	}
	for (;;) {
		err = loop_turn(&tcpip->loop, next_deadline(tcpip));
		if (err && err != ERR_TIMED_OUT) {
			log_error("cannot wait for events: %s", error_text(err));
			process_exit(1);
		}
		sys_check_timeouts();
		do {  // what goes out on loopback comes in at once
			connections_flush(tcpip);
			netif_poll_all();
		} while (!list_is_empty(&tcpip->dirty));
		link_flush(&tcpip->link);
		link_tell_network(&tcpip->link);
	}
}

APP(tcpip,
    .main = tcpip_main,
    .restart = RESTART_ALWAYS,
    .memory_limit = 64ul * 1024 * 1024,
    .handle_limit = 16384,
    .needs = {
	    {NEED_SERVICE, "ethernet", NULL, 1},
	    {NEED_CONFIG, "address", "10.0.2.15/24", 0},
	    {NEED_CONFIG, "gateway", "10.0.2.2", 0},
	    {NEED_CONFIG, "dns", "10.0.2.3", 0},
	    {NEED_CONFIG, "dhcp_timeout", "10", 0},
    },
    .provides = {"tcpip"});
