// SPDX-License-Identifier: MIT
#include "probe_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *sleep_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static int take_thread(size_t i)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)i;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	errno = pthread_create(&thread, &attributes, sleep_for_ever, NULL);
	return errno == 0 ? 0 : -1;
}

static int take_descriptor(size_t i)
{
	(void)i;
	return open("/dev/null", O_RDONLY);
}

static int take_signal(size_t i)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = (int)i });
}

static int take_file(size_t i)
{
	char path[32];

	mkdir("/tmp/many", 0755);
	snprintf(path, sizeof(path), "/tmp/many/%zu", i);
	return mknod(path, S_IFREG | 0644, 0);
}

static int take_watch(size_t i)
{
	static int inotify = -1;
	char path[32];

	if (i == 0)
		inotify = inotify_init();
	if (inotify < 0 || take_file(i) != 0)
		return -1;
	snprintf(path, sizeof(path), "/tmp/many/%zu", i);
	return inotify_add_watch(inotify, path, IN_MODIFY);
}

// Of address space, which nothing is done with.
static int take_gibibyte(size_t i)
{
	(void)i;
	void *memory =
		mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory != MAP_FAILED ? 0 : -1;
}

int probe_take(const char *kind, size_t count)
{
	static const struct {
		const char *kind;
		int (*take)(size_t i);
	} kinds[] = {
		{ "threads", take_thread }, { "descriptors", take_descriptor },
		{ "signals", take_signal }, { "files", take_file },
		{ "watches", take_watch },  { "gibibytes", take_gibibyte },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t taken = 0;

		if (strcmp(kind, kinds[i].kind) != 0)
			continue;
		while (taken < count && kinds[i].take(taken) >= 0)
			taken++;
		printf("%zu %s%s%s\n", taken, kind, taken < count ? ": " : "",
		       taken < count ? strerror(errno) : "");
		return taken == count ? 0 : 1;
	}
	return 1;
}
