// SPDX-License-Identifier: MIT
//
// Folders of the host that apps of the OS may use, by name: --share and STARINA_SHARES.
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"
#include "tools/run/hostfs/hostfs.h"

#define SHARES_MAX 8u

struct share {
	char name[HOSTFS_NAME_MAX + 1];
	char *path;
	bool read_only;
	int fd;  // O_PATH; -1: not open
};

struct shares {
	struct share items[SHARES_MAX];
	unsigned count;
};

// Adds "NAME=DIR[:ro]", or several with commas between them, as the setting `setting` has it. -1
// with `err`.
int shares_add(struct shares *shares, const char *text, bool is_list, const char *setting,
               struct error *err);
// Opens the folders. -1 with `err`: one is not there, or is not a folder.
int shares_open(struct shares *shares, struct error *err);
// Closes and frees all.
void shares_deinit(struct shares *shares);
