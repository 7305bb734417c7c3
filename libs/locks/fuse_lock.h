// SPDX-License-Identifier: MIT
//
// Locks as FUSE tells them. A guest's close tells nothing but the end of locks that it has: its
// kernel sends a SETLK for them (guest/kernel/patches), so FUSE_FLUSH is not needed.
#pragma once

#include "libs/abi/fuse.h"
#include "libs/locks/locks.h"

// What GETLK and SETLK ask for; the file and the session are the caller's. Returns false when it is
// no lock.
bool fuse_lock_take(const struct fuse_lk_in *in, struct lock *out);
// What GETLK answers: `found` is in the way of the request; NULL: nothing is. Only its own session
// knows the owner's process.
struct fuse_lk_out fuse_lock_found(const struct lock *request, const struct lock *found);
