// SPDX-License-Identifier: MIT
//
// Questions about a container: answers, refusals, pages, and what a guest may not answer.
#include <string.h>

#include "libs/linux/run/guest_fake.h"
#include "libs/linux/run/guest_query.h"

static struct {
	uint32_t answers;
	error_t error;
	char text[64];
	uint64_t memory;
	size_t count;
	uint32_t last_pid;
	char command[32];
} told;

static void tell(error_t error, const char *text)
{
	told.answers++;
	told.error = error;
	strcpy(told.text, text != NULL ? text : "");
}

static void take_done(void *context, error_t error, const char *text)
{
	(void)context;
	tell(error, text);
}

static void take_stats(void *context, error_t error, const char *text,
                       const struct control_stats *stats)
{
	(void)context;
	tell(error, text);
	assert_int_equal(stats != NULL, error == 0);
	told.memory = stats != NULL ? stats->memory : 0;
}

static void take_list(void *context, error_t error, const char *text,
                      const struct guest_top_entry *entries, size_t count)
{
	(void)context;
	tell(error, text);
	told.count = count;
	if (count == 0)
		return;
	told.last_pid = entries[count - 1].pid;
	memcpy(told.command, entries[count - 1].command.data, entries[count - 1].command.len);
	told.command[entries[count - 1].command.len] = '\0';
}

static void start(void)
{
	memset(&told, 0, sizeof(told));
	guest_start();
	guest_read();
	requests_len = 0;
}

// A reply with a result.
static void answer_to(uint32_t request, int32_t status, const void *result, uint32_t len)
{
	uint8_t body[2048];

	memcpy(body, &status, sizeof(status));
	if (len > 0)
		memcpy(body + sizeof(status), result, len);
	guest_frame(CONTROL_REPLY, 1, request, body, (uint32_t)sizeof(status) + len);
}

// The reply to the last request.
static void answer(int32_t status, const void *result, uint32_t len)
{
	answer_to(vm->link.last_request, status, result, len);
}

static void test_stats(void **state)
{
	struct control_stats stats = { .memory = 4096 };

	(void)state;
	assert_int_equal(guest_container_read_stats(container, take_stats, NULL), ERR_BAD_STATE);
	start();
	assert_int_equal(guest_container_read_stats(container, take_stats, NULL), 0);
	EXPECT_REQUESTS(CONTROL_STATS);
	answer(0, &stats, sizeof(stats));
	assert_int_equal(told.answers, 1);
	assert_int_equal(told.error, 0);
	assert_int_equal(told.memory, 4096);
}

static void test_requests(void **state)
{
	struct control_limits limits = { .pids = 7 };
	struct control_limits sent;
	uint32_t frozen;

	(void)state;
	start();
	assert_int_equal(guest_container_freeze(container, true, take_done, NULL), 0);
	memcpy(&frozen, requests + EXPECT_REQUESTS(CONTROL_FREEZE), sizeof(frozen));
	assert_int_equal(frozen, 1);
	answer(0, NULL, 0);
	assert_int_equal(told.error, 0);
	assert_int_equal(guest_container_limit(container, &limits, take_done, NULL), 0);
	memcpy(&sent, requests + EXPECT_REQUESTS(CONTROL_LIMIT), sizeof(sent));
	assert_int_equal(sent.pids, 7);
	answer(-22, "no\x1b such limit", 14);
	assert_int_equal(told.error, ERR_INVALID);
	assert_string_equal(told.text, "no? such limit");
	assert_int_equal(guest_container_keep(container, take_done, NULL), 0);
	(void)EXPECT_REQUESTS(CONTROL_KEEP);
	answer(0, NULL, 0);
	assert_int_equal(told.error, 0);
	assert_int_equal(told.answers, 3);
	assert_int_equal(heard.ended, 0);
}

static uint32_t add_entry(uint8_t *page, uint32_t len, uint32_t key, const char *command)
{
	struct control_top_entry entry = { .key = key,
		                           .pid = key + 100,
		                           .length = (uint32_t)strlen(command) };

	memcpy(page + len, &entry, sizeof(entry));
	memcpy(page + len + sizeof(entry), command, entry.length);
	return len + (uint32_t)sizeof(entry) + entry.length;
}

static void test_list(void **state)
{
	uint8_t page[512] = { 1 };  // there is more
	struct control_stats stats = { .memory = 4096 };
	uint32_t len = 4, after;

	(void)state;
	start();
	assert_int_equal(guest_container_list(container, take_list, NULL), 0);
	assert_int_equal(guest_container_read_stats(container, take_stats, NULL), 0);
	EXPECT_REQUESTS(CONTROL_TOP, CONTROL_STATS);
	len = add_entry(page, len, 5, "first");
	len = add_entry(page, len, 9, "second");
	answer_to(vm->link.last_request - 1, 0, page, len);
	assert_int_equal(told.answers, 0);
	memcpy(&after, requests + EXPECT_REQUESTS(CONTROL_TOP), sizeof(after));
	assert_int_equal(after, 9);
	page[0] = 0;
	answer_to(vm->link.last_request - 1, 0, &stats, sizeof(stats));
	assert_int_equal(told.answers, 1);
	answer(0, page, add_entry(page, 4, 10, "third"));
	assert_int_equal(told.count, 3);
	assert_int_equal(told.last_pid, 110);
	assert_string_equal(told.command, "third");
}

static void test_end(void **state)
{
	(void)state;
	start();
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(guest_container_list(container, take_list, NULL), 0);
	assert_int_equal(guest_container_list(container, take_list, NULL), ERR_LIMIT);
	guest_exited(CONTROL_EVENT_EXITED, 0);
	expect_end(0, NULL);
	assert_int_equal(told.answers, 64);
	assert_int_equal(told.error, ERR_PEER_CLOSED);
}

static void hostile(uint32_t which)
{
	struct control_stats stats = { 0 };
	uint8_t page[512] = { 0 };
	uint32_t len;

	if (which < 2) {
		assert_int_equal(guest_container_read_stats(container, take_stats, NULL), 0);
		answer(0, &stats, (uint32_t)sizeof(stats.memory) * (which + 1));
		return;
	}
	assert_int_equal(guest_container_list(container, take_list, NULL), 0);
	switch (which) {
	case 2: answer(0, page, 3); break;
	case 3:
		page[0] = 2;
		answer(0, page, 4);
		break;
	case 4:  // more, but no progress
		page[0] = 1;
		answer(0, page, 4);
		break;
	case 5: answer(0, page, add_entry(page, 4, 1, "cut") - 1); break;
	case 6: answer(0, page, 4 + sizeof(struct control_top_entry) - 1); break;
	default:
		len = add_entry(page, 4, 7, "twice");
		answer(0, page, add_entry(page, len, 7, "twice"));
		break;
	}
}

static void test_hostile(void **state)
{
	for (uint32_t i = 0; i < 8; i++) {
		if (i > 0)
			setup(state);
		start();
		hostile(i);
		expect_end(125, "broke the control protocol");
		assert_int_equal(told.answers, 1);
		assert_int_equal(told.error, ERR_PEER_CLOSED);
		if (i < 7)
			teardown(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		container_case(test_stats),   container_case(test_requests),
		container_case(test_list),    container_case(test_end),
		container_case(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
