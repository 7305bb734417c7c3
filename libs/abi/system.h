// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "libs/abi/app.h"

// What all harts have, and their guests with them (struct system_info.hart_features).
// Sstc: a timer of their own.
#define HART_SSTC (1u << 0)
// Svvptc: no translation of what is not there is kept for long.
#define HART_SVVPTC (1u << 1)
// A change of sstatus.SUM drops all translations.
#define HART_SLOW_SUM (1u << 2)

struct system_info {
	uint64_t total_pages;
	uint64_t free_pages;
	uint64_t kernel_objects;  // live objects of all types
	uint64_t handles;         // live handles of all processes
	uint64_t uptime_ns;
	uint64_t context_switches;
	uint64_t idle_wakeups;       // times a hart left wfi, over all harts
	uint64_t first_app_instret;  // minstret when the first app's main was entered
	uint32_t num_harts;
	uint32_t num_processes;
	uint32_t has_hypervisor;  // 1 when the H extension is there
	uint32_t hart_features;   // HART_*
	uint64_t timebase_hz;     // ticks a second of the `time` counter, a guest's too
};

enum process_state {
	PROCESS_RUNNING = 0,
	PROCESS_ENDED = 1,
};

enum process_end {
	PROCESS_END_EXIT = 0,    // process_exit
	PROCESS_END_FAULT = 1,   // fault or failed assertion
	PROCESS_END_KILLED = 2,  // process_kill
};

struct process_info {
	uint32_t id;
	uint32_t state;  // enum process_state
	uint32_t end;    // enum process_end, when ended
	int32_t status;  // of process_exit
	uint32_t handles;
	uint32_t threads;
	uint64_t memory;  // bytes of folios
	uint32_t restarts;
	uint32_t waiting;  // threads that wait for something
	char name[APP_NAME_MAX];
	uint64_t kernel_memory;  // bytes
};

enum log_level {
	LOG_ERROR = 0,
	LOG_WARN = 1,
	LOG_INFO = 2,
	LOG_DEBUG = 3,
};
