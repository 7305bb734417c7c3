// SPDX-License-Identifier: MIT
//
// What the tests ask of the system.
#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

uint64_t free_pages(const struct linux_test *t)
{
	struct system_info info;

	return system_info(t->system, &info) == 0 ? info.free_pages : 0;
}

nsec_t now_ns(void)
{
	nsec_t now;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? now : 0;
}
