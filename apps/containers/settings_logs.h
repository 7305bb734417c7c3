// SPDX-License-Identifier: MIT
//
// What HostConfig.LogConfig asks for.
#pragma once

#include "apps/containers/settings.h"

struct log_settings {
	bool is_kept;
	uint64_t max_bytes;  // of a file
	uint32_t max_files;
	bool has_attributes;  // options that say what each line is to have besides
};

// Reads `log_type` and `log_options`. Errors: ERR_INVALID with a text for people.
__must_check error_t settings_logs(const struct settings *settings, struct log_settings *out,
                                   char error[static SETTINGS_ERROR_MAX]);
