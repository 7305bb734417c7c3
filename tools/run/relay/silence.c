// SPDX-License-Identifier: MIT
#include "tools/run/relay/silence.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// The firmware's first word takes less than a second of a processor.
#define PERIOD_MS 20000u
// However busy the host is.
#define MAX_PERIODS 15u
#define NS_PER_MS 1000000u

void silence_begin(struct silence *silence, uint64_t now)
{
	*silence = (struct silence){ .due_at = now + PERIOD_MS };
}

bool silence_is_over(struct silence *silence, uint64_t now, uint64_t starved)
{
	// A thread that has ended takes what it waited along.
	bool was_starved = starved > silence->starved &&
		starved - silence->starved >= PERIOD_MS / 2;

	if (now < silence->due_at)
		return false;
	if (!was_starved || ++silence->periods == MAX_PERIODS)
		return true;
	silence->starved = starved;
	silence->due_at = now + PERIOD_MS;
	return false;
}

static uint64_t thread_starved(pid_t pid, const char *thread)
{
	char path[64], line[128];
	uint64_t waited = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)pid, thread);
	file = fopen(path, "re");
	if (!file)
		return 0;
	// Time that it ran, that it waited, and how often.
	if (fgets(line, sizeof(line), file)) {
		char *end;

		(void)strtoull(line, &end, 10);
		waited = strtoull(end, NULL, 10);
	}
	fclose(file);
	return waited / NS_PER_MS;
}

uint64_t process_starved(pid_t pid)
{
	uint64_t longest = 0;
	struct dirent *entry;
	char path[32];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (!threads)
		return 0;
	while ((entry = readdir(threads)) != NULL) {
		uint64_t waited = thread_starved(pid, entry->d_name);

		if (waited > longest)
			longest = waited;
	}
	closedir(threads);
	return longest;
}
