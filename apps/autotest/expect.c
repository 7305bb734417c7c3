// SPDX-License-Identifier: MIT
//
// What tests say and ask of the system.
#include "apps/autotest/autotest.h"

// Other apps take and give a little meanwhile (frames in flight, a slab); a leak of each round
// would be more.
#define SLACK 50

void test_failed(struct autotest *t, const char *what, const char *file, int line)
{
	t->failed = true;
	log_error("%s:%d: not so: %s", file, line, what);
}

nsec_t test_now(void)
{
	nsec_t now = 0;

	assert(clock_get(CLOCK_MONOTONIC, &now) == 0);
	return now;
}

uint32_t test_rounds(const struct autotest *t, uint32_t all)
{
	uint64_t rounds = all * t->percent / 100;

	return rounds == 0 ? 1 : (uint32_t)rounds;
}

uint32_t test_leak_rounds(const struct autotest *t, uint32_t all)
{
	uint32_t rounds = test_rounds(t, all);

	return rounds > 2 * SLACK ? rounds : 2 * SLACK;
}

nsec_t test_deadline(void)
{
	return test_now() + 300 * NSEC_PER_SEC;
}

struct system_info test_system_info(struct autotest *t)
{
	struct system_info info = { 0 };

	expect(t, system_info(t->system, &info) == 0);
	return info;
}

bool test_settles(struct autotest *t, const struct system_info *before)
{
	nsec_t deadline = test_deadline();
	struct system_info now;

	do {
		thread_yield();
		now = test_system_info(t);
		if (now.free_pages + SLACK >= before->free_pages &&
		    now.handles <= before->handles + SLACK &&
		    now.kernel_objects <= before->kernel_objects + SLACK)
			return true;
	} while (test_now() < deadline);
	log_error("free pages %llu, were %llu; handles %llu, were %llu; objects %llu, were %llu",
	          (unsigned long long)now.free_pages, (unsigned long long)before->free_pages,
	          (unsigned long long)now.handles, (unsigned long long)before->handles,
	          (unsigned long long)now.kernel_objects,
	          (unsigned long long)before->kernel_objects);
	return false;
}
