// SPDX-License-Identifier: MIT
//
// Health checks of containers that run: a process that is added to it from time to time, whose
// status says how the container is.
#pragma once

#include "apps/containers/health_settings.h"
#include "libs/abi/vmm.h"
#include "libs/starina/loop.h"

// As many as Docker keeps.
#define HEALTH_LOG_MAX 5u

struct container;
struct containers;
struct probe;

enum health_status {
	HEALTH_NONE = 0,  // it has no check
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
};

struct health_result {
	nsec_t start, end;  // CLOCK_WALL
	int exit_code;      // -1: it took too long
	char *output;       // heap, printable
};

// Zero-initialised: no check.
struct health {
	enum health_status status;
	uint32_t failing_streak;
	struct health_settings settings;  // complete
	struct health_result log[HEALTH_LOG_MAX];
	size_t num_results;
	nsec_t begun_at;  // CLOCK_MONOTONIC
	bool watches;     // `timer` is there
	handle_t timer;   // to the next check, or the end of this one's time
	struct source timer_source;
	struct probe *probe;  // that runs; NULL: none
};

// The container's process runs: its checks begin, unless they have.
void health_begin(struct container *c);
// It is known which images there are, and what they have checked: the checks of all that run begin,
// again.
void health_resume(struct containers *all);
// It has ended: so have they. What they said stays.
void health_stop(struct container *c);
// Frees all of it.
void health_free(struct container *c);
// Whether a process that its vmm tells of is the check's.
bool health_told(struct container *c, const struct msg_vmm_process *process);
// "none", "starting", "healthy", "unhealthy".
const char *health_word(const struct container *c);
// Writes State.Health; nothing when there is no check.
void health_write(const struct container *c, struct json_writer *w);
// Writes Config.Healthcheck; nothing when there is none.
void health_write_config(const struct container *c, struct json_writer *w);
