// SPDX-License-Identifier: MIT
//
// A container's restart policy and limits.
#pragma once

#include "apps/containers/settings.h"

enum restart_policy {
	POLICY_NO = 0,
	POLICY_ALWAYS,
	POLICY_UNLESS_STOPPED,
	POLICY_ON_FAILURE,
};

// A policy by name; of NULL, or one that is none, POLICY_NO.
enum restart_policy settings_policy(const char *name);
// Errors: ERR_INVALID with a text for people.
__must_check error_t settings_check_policy(const char *name, int64_t max,
                                           char error[static SETTINGS_ERROR_MAX]);
// Errors: ERR_INVALID with a text for people.
__must_check error_t settings_check_limits(int64_t memory, int64_t nano_cpus,
                                           char error[static SETTINGS_ERROR_MAX]);
