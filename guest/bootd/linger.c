// SPDX-License-Identifier: MIT
#include "guest/bootd/linger.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/bootd/procfs.h"

#define FIRST_PAUSE_MS 1
#define LONGEST_PAUSE_MS 16
#define SOCKSTAT_MAX 1024

unsigned long linger_orphans(const char *sockstat)
{
	static const char key[] = " orphan ";
	const char *line = strncmp(sockstat, "TCP:", 4) == 0 ? sockstat
							     : strstr(sockstat, "\nTCP:");
	const char *found = line != NULL ? strstr(line, key) : NULL;

	return found != NULL ? strtoul(found + sizeof(key) - 1, NULL, 10) : 0;
}

static unsigned long count_orphans(void)
{
	char text[SOCKSTAT_MAX];

	return linger_orphans(procfs_read("net/sockstat", text, sizeof(text)));
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

bool linger_goes_on(struct linger_wait *linger)
{
	if (count_orphans() == 0)
		return false;
	if (!linger->began) {
		*linger = (struct linger_wait){ .began = true,
			                        .deadline = now() + LINGER_MAX_S * 1000000000ull,
			                        .pause_ms = FIRST_PAUSE_MS };
		return true;
	}
	if (linger->pause_ms < LONGEST_PAUSE_MS)
		linger->pause_ms *= 2;
	return now() < linger->deadline;
}
