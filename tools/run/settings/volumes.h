// SPDX-License-Identifier: MIT
//
// What is mounted into the container besides its image: docker's -v, --mount and --tmpfs, and
// LINUXRUN_VOLUMES and LINUXRUN_TMPFS.
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"
#include "tools/run/hostfs/hostfs.h"

enum volume_kind {
	VOLUME_HOST,       // a folder or file of the host
	VOLUME_NAMED,      // a volume of the state disk
	VOLUME_ANONYMOUS,  // one whose name is made up
	VOLUME_TMPFS,
};

struct volume {
	enum volume_kind kind;
	char *source;      // absolute path of the host, the volume's name, or the tmpfs' options
	char *container;   // absolute, without "." and ".."
	const char *name;  // of the setting, for errors
	char *words;       // as they were given: the same again take its place; NULL: none do
	bool read_only;
	bool make;     // a missing folder of the host is made, as `docker run -v` does
	bool no_copy;  // a new volume is not filled with what the image has there
	int fd;        // of the host's, O_PATH; -1: not open
};

struct volumes {
	struct volume items[HOSTFS_MAX_SHARES];
	unsigned count;
};

// Adds "[SOURCE:]CONTAINER[:OPTIONS]", or several with commas between them, as the setting `name`
// has it. -1 with `err`.
int volumes_add(struct volumes *volumes, const char *text, bool is_list, const char *name,
                struct error *err);
// Adds "type=bind|volume|tmpfs,source=...,target=...", as --mount has it. -1 with `err`.
int volumes_add_mount(struct volumes *volumes, const char *text, const char *name,
                      struct error *err);
// Adds "CONTAINER[:OPTIONS]", or several with commas between them, of tmpfs(5). -1 with `err`.
int volumes_add_tmpfs(struct volumes *volumes, const char *text, bool is_list, const char *name,
                      struct error *err);
// Puts them into the order in which they are mounted: what lies in another's folder comes after it.
void volumes_sort(struct volumes *volumes);
// Opens the host's that are there, and with `make` makes what is missing and may be made. -1 with
// `err`: it is not there, or nothing that can be shared.
int volumes_open(struct volumes *volumes, bool make, struct error *err);
// Whether any is on the state disk.
bool volumes_need_state(const struct volumes *volumes);
// How many there are of a kind.
unsigned volumes_count(const struct volumes *volumes, enum volume_kind kind);
// Closes and frees all.
void volumes_deinit(struct volumes *volumes);
