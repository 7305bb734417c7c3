// SPDX-License-Identifier: MIT
//
// Who a container runs as: USER[:GROUP], names or numbers, by the image's own passwd and group
// files.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

#define USER_MAX_GROUPS 65536  // Linux's NGROUPS_MAX

struct user {
	uint32_t uid;
	uint32_t gid;
	uint32_t *groups;  // the others that it is a member of, sorted
	size_t num_groups;
	char name[256];  // "" when the image does not know the number
	char home[4096];
};

// Resolves `text` ("" is root, and so is the user of ":GROUP") with the files kept in the packed
// image's `directory`. Released by user_deinit(), on errors too. (OCI image spec, config.md, User)
int user_resolve(struct user *user, const char *text, const char *directory, struct error *err);
void user_deinit(struct user *user);
