// SPDX-License-Identifier: MIT
//
// The host's folders and files that the container sees: docker's -v and --mount, and
// LINUXRUN_VOLUMES.
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"
#include "tools/run/hostfs/hostfs.h"

struct volume {
	char *host;        // absolute
	char *container;   // absolute, without "." and ".."
	const char *name;  // of the setting, for errors
	bool read_only;
	bool make;  // a missing folder is made, as `docker run -v` does
	int fd;     // O_PATH; -1: not open
};

struct volumes {
	struct volume items[HOSTFS_MAX_SHARES];
	unsigned count;
};

// Adds "HOST:CONTAINER[:OPTIONS]", or several with commas between them, as the setting `name` has
// it. -1 with `err`.
int volumes_add(struct volumes *volumes, const char *text, bool is_list, const char *name,
                struct error *err);
// Adds "type=bind,source=HOST,target=CONTAINER[,readonly]". -1 with `err`.
int volumes_add_mount(struct volumes *volumes, const char *text, const char *name,
                      struct error *err);
// Puts them into the order in which they are mounted: what lies in another's folder comes after it.
void volumes_sort(struct volumes *volumes);
// Opens what is there, and with `make` makes what is missing and may be made. -1 with `err`: it is
// not there, or nothing that can be shared.
int volumes_open(struct volumes *volumes, bool make, struct error *err);
// Closes and frees all.
void volumes_deinit(struct volumes *volumes);
