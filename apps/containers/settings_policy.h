// SPDX-License-Identifier: MIT
//
// A container's restart policy and limits, which may be changed while there is one.
#pragma once

#include "apps/containers/settings.h"

enum restart_policy {
	POLICY_NO = 0,
	POLICY_ALWAYS,
	POLICY_UNLESS_STOPPED,
	POLICY_ON_FAILURE,
};

// What a body of update asks for; what is 0 or NULL stays.
struct settings_update {
	char *policy;  // heap
	int64_t policy_max;
	int64_t memory;     // bytes
	int64_t nano_cpus;  // 10^-9 CPUs
};

// A policy by name; of NULL, or one that is none, POLICY_NO.
enum restart_policy settings_policy(const char *name);
// Errors: ERR_INVALID with a text for people.
__must_check error_t settings_check_policy(const char *name, int64_t max,
                                           char error[static SETTINGS_ERROR_MAX]);
// Errors: ERR_INVALID with a text for people.
__must_check error_t settings_check_limits(int64_t memory, int64_t nano_cpus,
                                           char error[static SETTINGS_ERROR_MAX]);
// Reads a body of update. Errors: as settings_parse's; *update is empty then.
__must_check error_t settings_update_parse(struct settings_update *update, struct span body,
                                           char error[static SETTINGS_ERROR_MAX]);
// Frees it; it is empty then.
void settings_update_deinit(struct settings_update *update);
// Makes the settings what an update asks for, which is empty then.
void settings_apply(struct settings *settings, struct settings_update *update);
