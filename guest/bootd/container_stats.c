// SPDX-License-Identifier: MIT
#include "guest/bootd/container_stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/procfs.h"
#include "guest/bootd/stats_text.h"

#define TEXT_MAX 8192

static uint64_t number(const char *name)
{
	char text[32];

	cgroup_read(name, text, sizeof(text));
	return strtoull(text, NULL, 10);  // of "max", 0
}

void container_stats_read(struct control_stats *stats)
{
	char text[TEXT_MAX];
	int proc = procfs_open();

	*stats = (struct control_stats){
		.memory = number("memory.current"),
		.memory_limit = number("memory.max"),
		.pids = number("pids.current"),
		.pids_limit = number("pids.max"),
	};
	cgroup_read("memory.stat", text, sizeof(text));
	stats->memory_cached = stats_field(text, "inactive_file");
	cgroup_read("memory.events", text, sizeof(text));
	stats->oom_kills = stats_field(text, "oom_kill");
	cgroup_read("cpu.stat", text, sizeof(text));
	stats->cpu_us = stats_field(text, "usage_usec");
	stats->cpu_user_us = stats_field(text, "user_usec");
	stats->cpu_system_us = stats_field(text, "system_usec");
	stats->cpu_periods = stats_field(text, "nr_periods");
	stats->cpu_throttled_periods = stats_field(text, "nr_throttled");
	stats->cpu_throttled_us = stats_field(text, "throttled_usec");
	(void)procfs_read_at(proc, "net/dev", text, sizeof(text));
	stats_interface(text, "eth0", &stats->received, &stats->sent);
	(void)procfs_read_at(proc, "diskstats", text, sizeof(text));
	stats_disks(text, &stats->disk_read, &stats->disk_written);
	if (proc >= 0)
		close(proc);
}

bool container_lacked_memory(void)
{
	char text[TEXT_MAX];

	cgroup_read("memory.events", text, sizeof(text));
	return stats_field(text, "oom_kill") > 0;
}
