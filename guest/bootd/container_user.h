// SPDX-License-Identifier: MIT
// Users and groups of the image, from the text of its /etc/passwd and /etc/group.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define USER_MAX_GROUPS 256

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_MAX_GROUPS];  // supplementary, and gid: so no setgid program can leave it
	size_t num_groups;
	char home[256];  // "" when the image does not say
};

// Resolves "user", "uid", "user:group" or "uid:gid" as Docker does: a name must be in the file, a number need
// not be; without a group, the user's own and its supplementary groups apply. `passwd` and `group` are the
// NUL-terminated contents of the image's files (hostile). Returns 0, -ENOENT with *missing pointing to
// "user" or "group", or -EINVAL for an empty name.
int user_resolve(const char *spec, const char *passwd, const char *group, struct user *user,
		 const char **missing);

// Copies the home directory of `uid` into `home`. Returns whether passwd has a line for it.
bool user_home(const char *passwd, uid_t uid, char *home, size_t size);
