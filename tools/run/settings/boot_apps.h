// SPDX-License-Identifier: MIT
//
// The app files of --app.
#pragma once

#include "tools/common/error.h"
#include "tools/run/relay/app_port.h"
#include "tools/run/settings/options.h"

struct boot_apps {
	struct boot_app *items;
	size_t count;
};

// Reads and checks the files of `paths`, for the image in the build directory `build`. Returns -1
// with `err`: a file that is not there or is no app, two of one name, an image that takes none.
// Released by boot_apps_deinit(), also then.
int boot_apps_read(struct boot_apps *apps, const struct option_list *paths, const char *build,
                   struct error *err);
void boot_apps_deinit(struct boot_apps *apps);
