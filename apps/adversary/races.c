// SPDX-License-Identifier: MIT
//
// Threads on other harts use a folio while it goes.
#include "apps/adversary/adversary.h"
#include "libs/base/string.h"

static volatile uint64_t target;  // the folio's address
static volatile uint64_t target_words;
static uint32_t num_errors;

static void wait_a_little(uint64_t turns)
{
	for (volatile uint64_t i = 0; i < turns; i = i + 1)
		;
}

static void store_all_the_time(void *arg)
{
	uint64_t i = (uintptr_t)arg;

	for (;; i++) {
		uint64_t at = target;

		if (at != 0)
			((volatile uint64_t *)at)[i % target_words] = i;
	}
}

// A poll that has something to say at each look.
static handle_t talkative_poll(void)
{
	handle_t ends[2];
	struct message m;
	handle_t poll;

	message_init(&m, 1);
	check(poll_create(&poll) == 0 && channel_create(ends) == 0);
	check(channel_send(ends[0], &m) == 0 && poll_add(poll, ends[1], READY_READABLE, 0) == 0);
	return poll;
}

// Has the kernel write there.
static void call_all_the_time(void *arg)
{
	handle_t poll = talkative_poll();
	uint64_t i = (uintptr_t)arg;

	for (;; i++) {
		uint64_t at = target;
		error_t error;

		if (at == 0)
			continue;
		at += i % (target_words - 2) * 8;
		if (i % 2 == 0)
			error = random_get((void *)(uintptr_t)at, 8);
		else
			error = poll_wait(poll, (struct poll_event *)(uintptr_t)at, 1, NSEC_NEVER,
			                  (size_t *)(uintptr_t)(at + sizeof(struct poll_event)));
		check(error == 0 || error == ERR_ADDRESS);
		if (error != 0)
			__atomic_fetch_add(&num_errors, 1, __ATOMIC_RELAXED);
	}
}

// Has the kernel read there: messages to this process itself.
static void read_all_the_time(void *arg)
{
	handle_t ends[2];
	struct message m;

	(void)arg;
	check(channel_create(ends) == 0);
	for (;;) {
		uint64_t at = target;
		error_t error;

		if (at == 0)
			continue;
		error = channel_send(ends[0], (const struct message *)(uintptr_t)at);
		if (error != 0 || channel_recv(ends[1], &m) != 0)
			continue;
		for (uint32_t i = 0; i + 8 <= m.len; i += 8) {
			uint64_t word;

			memcpy(&word, &m.data[i], 8);
			if (word == ADVERSARY_SECRET)
				process_exit(ADVERSARY_SAW);
		}
	}
}

static void start(const struct deed *deed)
{
	bool calls = deed->deed == ADVERSARY_RACE_SEND_CALLS ||
		deed->deed == ADVERSARY_RACE_SHARE_CALLS ||
		deed->deed == ADVERSARY_RACE_CLOSE_CALLS;
	bool stores = deed->deed == ADVERSARY_RACE_SEND || deed->deed == ADVERSARY_RACE_SHARE;

	for (uint64_t i = 0; i < NUM_WRITERS; i++) {
		void (*writer)(void *) = calls ? call_all_the_time : store_all_the_time;

		if (i > 0 && !stores)
			writer = read_all_the_time;
		check(thread_create(writer, (void *)(uintptr_t)(i * 77), 0, NULL) == 0);
	}
}

// Has the others at work on a fresh folio when it returns.
static handle_t expose(const struct deed *deed, uint64_t round)
{
	bool lazy = deed->deed == ADVERSARY_RACE_DISCARD || deed->address >= BLOCK_SIZE;
	handle_t folio;
	void *at;

	folio = make_folio(deed->address, lazy ? FOLIO_LAZY : 0, &at);
	// A message without bytes, as far as the readers are concerned.
	memset(at, 0, 512);
	((struct message *)at)->len = MESSAGE_MAX_DATA;
	target_words = deed->address / 8;
	target = (uintptr_t)at;
	wait_a_little(round * 37 % 400);
	return folio;
}

static void discard(const struct deed *deed)
{
	handle_t folio = expose(deed, 1);

	for (uint64_t i = 0; i < deed->rounds; i++) {
		check(folio_discard(folio, 0, deed->address) == 0);
		wait_a_little(i % 100);
	}
}

static void send(const struct deed *deed, uint64_t round)
{
	send_folio(deed->judge, round, expose(deed, round + deed->rounds));
	if (deed->deed == ADVERSARY_RACE_SEND)
		wait_for_fault();
}

// Once the duplicate is there, nothing that is stored is seen: whoever stores ends the process.
static void share(const struct deed *deed, uint64_t round)
{
	static uint64_t first[PAGE_SIZE / sizeof(uint64_t)];
	handle_t folio = expose(deed, round + deed->rounds);
	const void *at = (const void *)(uintptr_t)target;
	handle_t second;

	check(handle_duplicate(folio, RIGHTS_SAME, &second) == 0);
	memcpy(first, at, sizeof(first));
	send_folio(deed->judge, round, second);
	if (deed->deed == ADVERSARY_RACE_SHARE) {
		for (nsec_t end = now() + PATIENCE; now() < end;) {
			if (memcmp(first, at, sizeof(first)) != 0)
				process_exit(ADVERSARY_SAW);
		}
	}
	check(memcmp(first, at, sizeof(first)) == 0);
	check(handle_close(folio) == 0);
}

void deed_race(const struct deed *deed)
{
	start(deed);
	send_folio(deed->judge, 0, HANDLE_NONE);
	if (deed->deed == ADVERSARY_RACE_DISCARD) {
		discard(deed);
		process_exit(ADVERSARY_DONE);
	}
	for (uint64_t i = 1; i <= deed->rounds; i++) {
		if (deed->deed == ADVERSARY_RACE_CLOSE_CALLS)
			check(handle_close(expose(deed, i)) == 0);
		else if (deed->deed == ADVERSARY_RACE_SHARE ||
		         deed->deed == ADVERSARY_RACE_SHARE_CALLS)
			share(deed, i);
		else
			send(deed, i);
		wait_a_little(200);
		target = 0;
	}
	process_exit(ADVERSARY_DONE);
}
