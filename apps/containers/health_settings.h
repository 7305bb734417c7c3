// SPDX-License-Identifier: MIT
//
// What a health check is asked to be: Docker's Healthcheck, of a container or its image.
#pragma once

#include "apps/containers/settings.h"
#include "libs/abi/time.h"
#include "libs/json/json.h"

struct health_settings {
	// "NONE"; "CMD" and a command; "CMD-SHELL" and a line for a shell; or empty: not said.
	struct string_list test;
	// Nanoseconds; 0: not said.
	int64_t interval, timeout, start_period, start_interval;
	int64_t retries;  // 0: not said
};

// Reads it; NULL is as an empty one. Errors: as settings_parse's; *out is empty then.
__must_check error_t health_settings_parse(struct health_settings *out, const char *json,
                                           char error[static SETTINGS_ERROR_MAX]);
// Frees it; it is empty then.
void health_settings_deinit(struct health_settings *settings);
// Takes what is not said from `image`.
__must_check error_t health_settings_merge(struct health_settings *settings,
                                           const struct health_settings *image);
// Whether anything is to be run.
bool health_settings_has_test(const struct health_settings *settings);
// What is to be run, in an empty list. Errors: ERR_NO_MEMORY.
__must_check error_t health_settings_command(const struct health_settings *settings,
                                             struct string_list *out);
// Takes Docker's values for what is not said.
void health_settings_complete(struct health_settings *settings);
// Writes what is said as it was read.
void health_settings_write(const struct health_settings *settings, struct json_writer *w);
