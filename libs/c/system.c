// SPDX-License-Identifier: MIT
#include "libs/c/system.h"

#include "libs/starina/syscall.h"

uint64_t system_monotonic_clock(void)
{
	nsec_t now = 0;

	// It has no error with this clock.
	if (clock_get(CLOCK_MONOTONIC, &now) != 0)
		return 0;
	return now;
}

uint64_t system_wall_clock(void)
{
	nsec_t now;

	return clock_get(CLOCK_WALL, &now) == 0 ? now : system_monotonic_clock();
}

void system_yield(void)
{
	thread_yield();
}
