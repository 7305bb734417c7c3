// SPDX-License-Identifier: MIT
//
// Folios that the adversary has sent away, closed or discarded while its other threads use them.
#include "apps/adversary_test/judge.h"
#include "libs/base/string.h"

#define STORE_ROUNDS 60u
#define CALL_ROUNDS 100u
#define SHARE_ROUNDS 30u
#define FOLIO_LOOKS 20u

// What is received stays as it is from then on; if not, the adversary is killed.
static void expect_still(struct judge *j, handle_t folio, bool until_end, handle_t process)
{
	static uint64_t first[PAGE_SIZE / sizeof(uint64_t)];
	struct folio_info info;
	void *at = NULL;
	error_t error;
	size_t size;

	expect(j, folio_info(folio, &info) == 0);
	if ((info.flags & FOLIO_READ_ONLY) != 0)
		expect(j, folio_map(folio, PROT_READ | PROT_WRITE, &at) == ERR_ACCESS);
	expect(j, folio_map(folio, PROT_READ, &at) == 0);
	if (j->failed)
		return;
	// A lazy one has only its first pages.
	size = info.size < sizeof(first) ? info.size : sizeof(first);
	memcpy(first, at, size);
	for (unsigned i = 0; memcmp(first, at, size) == 0; i++) {
		nsec_t soon = until_end ? test_now() + NSEC_PER_MSEC : 0;

		if (!until_end && i >= FOLIO_LOOKS)
			break;
		if (handle_wait(process, READY_CLOSED, soon) == 0)
			break;
	}
	if (memcmp(first, at, size) != 0) {
		test_failed(j, "what was received stays as it is", __FILE__, __LINE__);
		error = process_kill(process);
		expect(j, error == 0 || error == ERR_BAD_STATE);
	}
}

// Receives folios until the adversary ends. Between them, memory that is free by then is looked at.
static void receive_all(struct judge *j, const struct adversary *adversary, bool until_end)
{
	struct message m;
	error_t error;

	for (;;) {
		error = recv_wait(adversary->channel, test_deadline(), &m);
		if (error != 0)
			break;
		if (m.num_handles == 1) {
			expect_still(j, m.handles[0], until_end, adversary->process);
			handle_close(m.handles[0]);
		}
	}
	expect(j, error == ERR_PEER_CLOSED);
}

static void take_memory_until_end(struct judge *j, const struct adversary *adversary)
{
	struct process_info info = { 0 };

	do {
		expect_memory_is_ours(j, PAGE_SIZE);
		expect(j, process_info(adversary->process, &info) == 0);
	} while (!j->failed && info.state == PROCESS_RUNNING);
}

static void race(struct judge *j, uint32_t which, uint64_t size, uint32_t rounds)
{
	struct msg_adversary_do deed = { .deed = which, .rounds = rounds, .address = size };
	bool stores = which == ADVERSARY_RACE_SEND || which == ADVERSARY_RACE_SHARE;
	bool calls = which == ADVERSARY_RACE_SEND_CALLS || which == ADVERSARY_RACE_SHARE_CALLS;
	struct adversary adversary;
	int status;

	if (adversary_start(j, &deed, &adversary)) {
		if (stores || calls)
			receive_all(j, &adversary, stores);
		else
			take_memory_until_end(j, &adversary);
	}
	status = adversary_end(j, &adversary, stores ? ENDS_BY_FAULT : ENDS_DONE);
	if (status != ADVERSARY_DONE)
		log_error("race %u with %llu bytes: status %d", which, (unsigned long long)size,
		          status);
	expect(j, status == ADVERSARY_DONE);
}

static void stores_race_with_sends(struct judge *j)
{
	static const uint64_t sizes[] = { PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 16 * PAGE_SIZE,
		                          BLOCK_SIZE };

	for (uint32_t i = 0; i < STORE_ROUNDS && !j->failed; i++)
		race(j, ADVERSARY_RACE_SEND, sizes[i % 5], i + 1);
}

static void calls_race_with_sends(struct judge *j)
{
	race(j, ADVERSARY_RACE_SEND_CALLS, PAGE_SIZE, CALL_ROUNDS);
	race(j, ADVERSARY_RACE_SEND_CALLS, 4 * PAGE_SIZE, CALL_ROUNDS);
}

static void stores_race_with_duplicates(struct judge *j)
{
	static const uint64_t sizes[] = { PAGE_SIZE, 3 * PAGE_SIZE, BLOCK_SIZE };

	for (uint32_t i = 0; i < SHARE_ROUNDS && !j->failed; i++)
		race(j, ADVERSARY_RACE_SHARE, sizes[i % 3], i + 1);
}

static void calls_race_with_duplicates(struct judge *j)
{
	race(j, ADVERSARY_RACE_SHARE_CALLS, PAGE_SIZE, CALL_ROUNDS);
	race(j, ADVERSARY_RACE_SHARE_CALLS, BLOCK_SIZE, SHARE_ROUNDS);
}

static void calls_race_with_closes(struct judge *j)
{
	race(j, ADVERSARY_RACE_CLOSE_CALLS, PAGE_SIZE, CALL_ROUNDS);
}

static void stores_race_with_discards(struct judge *j)
{
	race(j, ADVERSARY_RACE_DISCARD, PAGE_SIZE, CALL_ROUNDS);
	race(j, ADVERSARY_RACE_DISCARD, 8 * PAGE_SIZE, CALL_ROUNDS);
	race(j, ADVERSARY_RACE_DISCARD, BLOCK_SIZE, 100);
}

const struct test race_tests[] = {
	{ "stores race with sends", stores_race_with_sends },
	{ "calls race with sends", calls_race_with_sends },
	{ "stores race with duplicates", stores_race_with_duplicates },
	{ "calls race with duplicates", calls_race_with_duplicates },
	{ "calls race with closes", calls_race_with_closes },
	{ "stores race with discards", stores_race_with_discards },
	{ 0 },
};
