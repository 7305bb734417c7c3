// SPDX-License-Identifier: MIT
//
// Where paths of the files' routes lead: into the volumes, /VOLUME/..., or into a folder of the
// host that run.sh shares with apps, /@SHARE/... (no volume's name begins with an @).
#pragma once

#include <stdbool.h>

#include "libs/base/list.h"
#include "libs/files/files.h"

struct httpd;

#define PLACES_SHARES_MAX 8u
#define PLACES_SHARE_NAME_MAX 32u

// What one session of files reaches. It is opened when it is asked for something, and again when
// it was lost.
struct file_place {
	char share[PLACES_SHARE_NAME_MAX + 1];  // "": the volumes
	struct files files;
	bool started;
	struct list jobs;  // struct volume_job
};

struct file_places {
	struct file_place all[1 + PLACES_SHARES_MAX];  // the volumes first
	unsigned count;
};

// Learns the shares from the configuration value "shares": their names, with commas between them.
void places_start(struct httpd *httpd);
// The place of a path, and the path in it, which lies in `path` or is constant. NULL: there is no
// such share.
struct file_place *place_find(struct file_places *places, const char *path, const char **inner);
