// SPDX-License-Identifier: MIT
#include "libs/linux/guest/linger.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FIRST_PAUSE_MS 1
#define LONGEST_PAUSE_MS 16
#define SOCKSTAT_MAX 1024

unsigned long linger_orphans(const char *sockstat)
{
	static const char key[] = " orphan ";
	const char *line = strncmp(sockstat, "TCP:", 4) == 0 ? sockstat : strstr(sockstat, "\nTCP:");
	const char *found = line != NULL ? strstr(line, key) : NULL;

	return found != NULL ? strtoul(found + sizeof(key) - 1, NULL, 10) : 0;
}

// A /proc that is mounted nowhere: bootd has none that the container could not have covered.
static int open_proc(void)
{
	int context = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
	int proc = -1;

	if (context < 0)
		return -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		proc = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return proc;
}

static unsigned long count_orphans(void)
{
	char text[SOCKSTAT_MAX];
	int proc = open_proc();
	int fd = proc >= 0 ? openat(proc, "net/sockstat", O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	if (proc >= 0)
		close(proc);
	text[got > 0 ? got : 0] = '\0';
	return linger_orphans(text);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

bool linger_goes_on(struct linger *linger)
{
	if (count_orphans() == 0)
		return false;
	if (!linger->began) {
		*linger = (struct linger){ .began = true, .deadline = now() + LINGER_MAX_S * 1000000000ull, .pause_ms = FIRST_PAUSE_MS };
		return true;
	}
	if (linger->pause_ms < LONGEST_PAUSE_MS)
		linger->pause_ms *= 2;
	return now() < linger->deadline;
}
