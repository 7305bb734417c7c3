// SPDX-License-Identifier: MIT
//
// Does what apps/adversary_test tells it to, once, and ends by it.
#include "apps/adversary/adversary.h"
#include "libs/starina/environ.h"
#include "libs/starina/service.h"

nsec_t now(void)
{
	nsec_t t = 0;

	check(clock_get(CLOCK_MONOTONIC, &t) == 0);
	return t;
}

handle_t make_folio(size_t size, uint32_t flags, void **out)
{
	handle_t folio;

	check(folio_create(size, flags, &folio) == 0);
	check(folio_map(folio, PROT_READ | PROT_WRITE, out) == 0);
	return folio;
}

void send_folio(handle_t judge, uint64_t round, handle_t folio)
{
	struct msg_adversary_folio msg = { .round = round };
	struct message m;
	error_t error;

	check(message_encode_adversary_folio(&m, &msg, NULL, 0) == 0);
	if (folio != HANDLE_NONE) {
		m.num_handles = 1;
		m.handles[0] = folio;
	}
	while ((error = channel_send(judge, &m)) == ERR_FULL)
		check(handle_wait(judge, READY_WRITABLE, now() + PATIENCE) == 0);
	check(error == 0);
}

_Noreturn void wait_for_fault(void)
{
	nsec_t deadline = now() + PATIENCE;

	while (now() < deadline)
		thread_yield();
	process_exit(ADVERSARY_HARMLESS);
}

static void (*const deeds[])(const struct deed *deed) = {
	[ADVERSARY_LOAD... ADVERSARY_BAD_THREAD] = deed_touch,
	[ADVERSARY_PRIVILEGED] = deed_privileged,
	[ADVERSARY_POINTERS... ADVERSARY_ALL_CALLS] = deed_calls,
	[ADVERSARY_REGISTERS... ADVERSARY_FP] = deed_registers,
	[ADVERSARY_RACE_SEND... ADVERSARY_RACE_DISCARD] = deed_race,
	[ADVERSARY_ALL_THREADS... ADVERSARY_SPIN] = deed_exhaust,
};

static void adversary_main(const struct environ *env)
{
	nsec_t deadline = now() + PATIENCE;
	struct msg_adversary_do msg;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	struct deed deed;

	check(service_connect_wait(environ_connector(env, "adversary_test"), deadline,
	                           &deed.judge) == 0);
	check(recv_wait(deed.judge, deadline, &m) == 0);
	check(message_decode_adversary_do(&m, &msg, &tail, &tail_len) == 0);
	deed.env = env;
	deed.deed = msg.deed;
	deed.rounds = msg.rounds;
	deed.address = msg.address;
	if (msg.deed < sizeof(deeds) / sizeof(deeds[0]))
		deeds[msg.deed](&deed);
	process_exit(msg.deed == ADVERSARY_EXIT ? ADVERSARY_DONE : ADVERSARY_HARMLESS);
}

APP(adversary, .main = adversary_main, .handle_limit = 2000,
    .needs = { { NEED_SERVICE, "adversary_test", NULL, 0 },
               { NEED_LAUNCHER, "launcher", NULL, 0 } });
