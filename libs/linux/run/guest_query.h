// SPDX-License-Identifier: MIT
//
// What can be asked of a container that runs, and changed in it, as a whole. Answers come from the
// guest's bootd, some hundred microseconds later.
//
// Each callback comes once, from the loop or from within a device model, and may not destroy the
// container; without an answer until the container's end it comes with ERR_PEER_CLOSED, before the
// container's `ended`. `text` says in words what went wrong. The calls' errors: ERR_BAD_STATE (the
// container does not run), ERR_LIMIT (too many wait), ERR_NO_MEMORY.
#pragma once

#include "libs/linux/run/guest_container.h"

typedef void (*guest_done_fn)(void *context, error_t error, const char *text);
// `stats` is NULL on errors. Figures are what the guest says.
typedef void (*guest_stats_fn)(void *context, error_t error, const char *text,
                               const struct control_stats *stats);

// A process, as the container numbers it.
struct guest_top_entry {
	uint32_t pid;
	uint32_t parent;  // 0: it is not in the container
	uint32_t uid;
	uint32_t terminal;       // Linux's device number; 0: none
	uint64_t start_time_ns;  // since 1970-01-01 UTC
	uint64_t cpu_time_ns;
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint32_t state;  // a letter, as in proc(5)
	// with blanks between arguments, cut at CONTROL_TOP_MAX_COMMAND bytes; any bytes
	struct span command;
};

// The entries are there until the callback returns.
typedef void (*guest_top_fn)(void *context, error_t error, const char *text,
                             const struct guest_top_entry *entries, size_t count);

// Reads what the container takes of its guest.
__must_check error_t guest_container_read_stats(struct guest_container *c, guest_stats_fn done,
                                                void *context);
// Lists its processes.
__must_check error_t guest_container_list(struct guest_container *c, guest_top_fn done,
                                          void *context);
// Stops all its processes where they are, or lets them go on; those that are started meanwhile
// begin then.
__must_check error_t guest_container_freeze(struct guest_container *c, bool frozen,
                                            guest_done_fn done, void *context);
// Has what is on its writable disk kept, which was of no use after its end (`is_scratch`).
__must_check error_t guest_container_keep(struct guest_container *c, guest_done_fn done,
                                          void *context);
// Sets other limits in place of all that it has. Memory is at most what the guest had free.
__must_check error_t guest_container_limit(struct guest_container *c,
                                           const struct control_limits *limits, guest_done_fn done,
                                           void *context);
