// SPDX-License-Identifier: MIT
//
// The clocks of <time.h>. There is one time zone, UTC.
#include <sys/time.h>
#include <time.h>

#include "libs/c/system.h"

#define NSEC_PER_SEC 1000000000u

int clock_gettime(clockid_t id, struct timespec *out)
{
	uint64_t now = id == CLOCK_REALTIME ? system_wall_clock() : system_monotonic_clock();

	out->tv_sec = (time_t)(now / NSEC_PER_SEC);
	out->tv_nsec = (long)(now % NSEC_PER_SEC);
	return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	uint64_t now = system_wall_clock();

	(void)zone;
	out->tv_sec = (time_t)(now / NSEC_PER_SEC);
	out->tv_usec = (suseconds_t)(now % NSEC_PER_SEC / 1000);
	return 0;
}

clock_t clock(void)
{
	return (clock_t)(system_monotonic_clock() / (NSEC_PER_SEC / CLOCKS_PER_SEC));
}
