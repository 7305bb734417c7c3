// SPDX-License-Identifier: MIT
//
// The service table: matches what apps need to what apps provide, starts them in dependency order
// and again when their spec says so.
#pragma once

#include "kernel/startup/app_image.h"
#include "kernel/startup/table_sizes.h"
#include "libs/abi/error.h"

struct process;

// What the check of the table found. Errors of the table itself (a cycle, two providers, an unknown
// spec version, a name that is too long or twice there) make the image unusable: boot ends with the
// line in `message`. What one app lacks (an unmet need, a device, a configuration value) keeps that
// app, and those who need it, from starting; each is logged.
struct services_plan {
	size_t num_apps;
	size_t order[MAX_APPS];  // indices of images, providers before those who need them

	// by image: why it is not started (a word for tests); NULL: it is. A runtime is not, by
	// itself.
	const char *blocked[MAX_APPS];
	char message[256];
};

// Makes the plan for `images`. Logs a line for each blocked app. Errors: ERR_CYCLE, ERR_EXISTS,
// ERR_NOT_SUPPORTED, ERR_INVALID, ERR_TOO_LARGE; `message` then says what is wrong.
__must_check error_t services_make_plan(const struct app_image *images, size_t num_images,
                                        struct services_plan *plan);

// Checks the table and starts all apps of the image. Panics when the table is unusable. After
// work_start.
void services_start(void);
// As system_start_app and system_find_process; `*out` is a reference. Errors: ERR_NOT_FOUND,
// ERR_BAD_STATE, ERR_NO_MEMORY.
__must_check error_t services_start_app(const char *name, struct process **out);
__must_check error_t services_find_process(const char *name, struct process **out);
