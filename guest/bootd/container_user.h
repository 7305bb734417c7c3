// SPDX-License-Identifier: MIT
// Users and groups of the image, from the text of its /etc/passwd and /etc/group.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guest/bootd/failure.h"

struct user {
	uid_t uid;
	gid_t gid;
	gid_t *groups;  // supplementary, and gid: so no setgid program can leave it; to be freed
	size_t num_groups;
};

// Resolves "user", "user:group" or ":group" as Docker does. All digits are a number, whatever names
// there are; it need not be in the file, and is at most 2^31-1. A name must be in the file. Without
// a user it is 0; without a group, the user's own and its supplementary groups apply. `passwd` and
// `group` are the NUL-terminated contents of the image's files (hostile). Returns 0, or a negative
// errno with the failure set and nothing to be freed.
int user_resolve(const char *spec, const char *passwd, const char *group, struct user *user,
                 struct failure *failure);

// Adds groups by number or name, as Docker's GroupAdd, to those of a user that user_resolve has
// found. Likewise; on errors the user's groups are freed.
int user_add_groups(struct user *user, const char *const *names, size_t count, const char *group,
                    struct failure *failure);

// Returns where in passwd the home directory of `uid` is, and its *length; NULL: it has no line.
const char *user_home(const char *passwd, uid_t uid, size_t *length);
