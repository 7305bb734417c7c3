// SPDX-License-Identifier: MIT
//
// What is changed of a container while there is one: its restart policy and its limits, as the body
// of POST /containers/NAME/update has them, and a container's record.
#pragma once

#include "apps/containers/settings.h"
#include "libs/linux/vm/bootd_protocol.h"

// What is 0 or NULL stays.
struct settings_update {
	char *policy;  // heap
	int64_t policy_max;
	int64_t memory;     // bytes
	int64_t nano_cpus;  // 10^-9 CPUs
	int64_t cpu_quota;  // microseconds of each period; below 0: none
	int64_t cpu_period;
	int64_t pids;  // 0 and below: no limit
	bool has_pids;
	int64_t memory_swap;
	int64_t memory_reservation;
	int64_t cpu_shares;
	int64_t blkio_weight;
	struct string_list warnings;  // what was asked for and has no effect
};

// Reads a body of update. Errors: as settings_parse's; *update is empty then.
__must_check error_t settings_update_parse(struct settings_update *update, struct span body,
                                           char error[static SETTINGS_ERROR_MAX]);
// Whether these settings may become what the update asks for. Errors: ERR_INVALID with a text for
// people.
__must_check error_t settings_update_check(const struct settings *settings,
                                           const struct settings_update *update,
                                           char error[static SETTINGS_ERROR_MAX]);
// Whether it changes a limit that the container's guest holds it to.
bool settings_update_limits(const struct settings *settings, const struct settings_update *update);
// What the guest is to hold the container to, once the settings are what the update asks for.
struct control_limits settings_update_wanted(const struct settings *settings,
                                             const struct settings_update *update);
// Makes the settings what an update asks for, which is empty then.
void settings_update_apply(struct settings *settings, struct settings_update *update);
// Frees it; it is empty then.
void settings_update_deinit(struct settings_update *update);
