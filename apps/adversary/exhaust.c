// SPDX-License-Identifier: MIT
//
// Takes all that there is of something. What is to fail fails with an error of its own.
#include "apps/adversary/adversary.h"

#define MANY 1000000u

static void wait_forever(void *arg)
{
	struct poll_event event;
	handle_t poll;
	size_t n;

	(void)arg;
	// No handle may be left for it.
	while (poll_create(&poll) != 0 || poll_wait(poll, &event, 1, NSEC_NEVER, &n) != 0)
		thread_yield();
}

static void spin(void *arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("" ::: "memory");
}

static error_t one_more(const struct deed *deed)
{
	handle_t ends[2];
	handle_t handle;
	struct message m;
	error_t error;
	void *at;

	switch (deed->deed) {
	case ADVERSARY_ALL_THREADS: return thread_create(wait_forever, NULL, 0, NULL);
	case ADVERSARY_ALL_HANDLES: return event_create(&handle);
	case ADVERSARY_ALL_FOLIOS: return folio_create(256 * 1024, 0, &handle);
	case ADVERSARY_ALL_TIMERS:
		error = timer_create(&handle);
		return error != 0 ? error : timer_set(handle, now() + NSEC_PER_SEC);
	case ADVERSARY_ALL_MAPPINGS:
		error = folio_create(PAGE_SIZE, FOLIO_LAZY, &handle);
		if (error != 0)
			return error;
		error = folio_map(handle, PROT_READ | PROT_WRITE, &at);
		if (error == 0)
			*(volatile uint8_t *)at = 1;
		return error;
	default: break;
	}
	error = channel_create(ends);
	if (error != 0)
		return error;
	message_init(&m, 1);
	m.len = MESSAGE_MAX_DATA;
	while ((error = channel_send(ends[0], &m)) == 0)
		;
	return error == ERR_FULL ? 0 : error;
}

void deed_exhaust(const struct deed *deed)
{
	error_t error = 0;
	uint32_t i;

	if (deed->deed == ADVERSARY_SPIN) {
		for (i = 0; i < NUM_WRITERS; i++)
			check(thread_create(spin, NULL, 0, NULL) == 0);
		send_folio(deed->judge, 0, HANDLE_NONE);
		spin(NULL);
	}
	for (i = 0; i < MANY && error == 0; i++)
		error = one_more(deed);
	check(error == ERR_LIMIT || error == ERR_NO_MEMORY);
	// It stays so, and is no worse.
	error = one_more(deed);
	check(error == ERR_LIMIT || error == ERR_NO_MEMORY || error == 0);
	process_exit(ADVERSARY_DONE);
}
