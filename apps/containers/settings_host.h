// SPDX-License-Identifier: MIT
//
// What of Config and HostConfig is about the process's surroundings: limits, names, privileges; and
// what is refused, or without effect. docs/engine.md has a row of each field.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/linux/image/string_list.h"

#define HOST_MAX_ULIMITS 16u
// "RLIMIT_SIGPENDING", with a NUL.
#define HOST_ULIMIT_NAME_MAX 20u

struct ulimit {
	char name[HOST_ULIMIT_NAME_MAX];  // as config.json has it
	int64_t soft;                     // -1: none
	int64_t hard;
};

#define HOST_MAX_DEVICES 16u
// "rwm", with a NUL.
#define HOST_DEVICE_ACCESS_MAX 4u

struct host_device {
	char type;  // 'b', 'c'
	uint32_t major;
	uint32_t minor;
	char access[HOST_DEVICE_ACCESS_MAX];
};

struct host_settings {
	// Strings as in struct settings.
	char *domainname;
	char *mac;
	char *sysctls;  // JSON: an object of strings
	struct string_list cap_add;
	struct string_list cap_drop;
	struct string_list dns;
	struct string_list dns_options;
	struct string_list dns_search;
	struct string_list extra_hosts;
	struct string_list groups;
	struct string_list links;
	struct string_list security;
	struct string_list masked_paths;
	struct string_list readonly_paths;
	bool has_masked_paths;
	bool has_readonly_paths;
	bool init;
	bool no_network;
	bool privileged;
	uint16_t console_size[2];  // rows, columns
	int64_t cpu_quota;         // microseconds of each period; 0: none
	int64_t cpu_period;
	char *cpuset;      // which CPUs, as "0-1,3"
	int64_t num_cpus;  // how many these are; 0: it was not said
	int64_t pids_limit;
	int64_t memory_swap;
	int64_t memory_reservation;
	int64_t cpu_shares;    // for inspect alone
	int64_t blkio_weight;  // the same
	int64_t memory_swappiness;
	bool has_memory_swappiness;
	int64_t oom_score_adj;
	struct ulimit ulimits[HOST_MAX_ULIMITS];
	size_t num_ulimits;
	struct host_device devices[HOST_MAX_DEVICES];
	struct string_list device_paths;  // of each, in the container
	struct string_list warnings;      // what was asked for and has no effect
};

// Frees it; it is empty then.
void host_settings_deinit(struct host_settings *host);
