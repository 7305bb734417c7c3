// SPDX-License-Identifier: MIT
//
// Who a container runs as: USER[:GROUP], names or numbers, by the image's own passwd and group files.
#pragma once

#include <stdint.h>

#include "tools/common/error.h"

#define USER_MAX_GROUPS 64

struct user {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[USER_MAX_GROUPS];
	unsigned num_groups;
	char name[256];  // "" when the image does not know the number
	char home[4096];
};

// Resolves `text` ("" is root) with the files kept in the packed image's `directory`. (OCI image spec, config.md, User)
int user_resolve(struct user *user, const char *text, const char *directory, struct error *err);
