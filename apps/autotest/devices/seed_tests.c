// SPDX-License-Identifier: MIT
//
// The entropy device's driver, as its line of the log tells.
#include "apps/autotest/devices/devices.h"
#include "libs/abi/look.h"
#include "libs/base/string.h"

#define SEEDED "seeded the random generator"

static struct {
	struct look_ring ring;
	char bytes[64 * 1024];
} told;

static bool has_line_with(const char *text)
{
	size_t len = strlen(text);
	size_t at = 0;

	for (uint64_t i = 0; i < told.ring.count; i++) {
		struct look_line line;

		memcpy(&line, told.bytes + at, sizeof(line));
		if (line.length >= len && memcmp(told.bytes + at + sizeof(line), text, len) == 0)
			return true;
		at += LOOK_LINE_SIZE(line.length);
	}
	return false;
}

static void random_numbers_are_seeded(struct autotest *t)
{
	handle_t look = environ_look(t->env);
	struct poll_event event;
	handle_t poll = HANDLE_NONE;
	uint64_t next = 0;
	uint64_t used;
	size_t n;

	expect(t, poll_create(&poll) == 0);
	expect(t, poll_add(poll, look, READY_READABLE, 0) == 0);
	while (!t->failed) {
		expect(t, look_read(look, LOOK_LOG, next, &told, sizeof(told), &used) == 0);
		if (has_line_with(SEEDED))
			break;
		// Whether there is more, or some is to come.
		if (told.ring.next == next)
			expect(t, poll_wait(poll, &event, 1, test_deadline(), &n) == 0);
		next = told.ring.next;
	}
	handle_close(poll);
}

const struct test seed_tests[] = {
	{ "random numbers are seeded by the entropy device", random_numbers_are_seeded },
	{ 0 },
};
