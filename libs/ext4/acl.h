// SPDX-License-Identifier: MIT
//
// POSIX ACLs: as system calls have them (linux/posix_acl_xattr.h: a version of 2, then entries of
// tag, permissions and id), and as ext4 has them (a version of 1, and entries without ids where
// there is none to say).
#pragma once

#include <stdbool.h>

#include "libs/base/span.h"

#define XATTR_ACL_ACCESS 2u
#define XATTR_ACL_DEFAULT 3u
// Of either form.
#define ACL_MAX_SIZE 4096u

// Translates. out->len is the room, and what is used of it then. False: it is not sound, or too
// long.
bool acl_to_disk(struct span acl, struct mut_span *out);
// The other way.
bool acl_from_disk(struct span acl, struct mut_span *out);
