// SPDX-License-Identifier: MIT
//
// A mounted file system on a disk in memory, for tests: operations that wait are run again, and
// e2fsck is the judge.
#pragma once

#include <stdint.h>

#include "libs/ext4/device_fake.h"
#include "libs/ext4/ext4.h"

struct volume {
	struct device_fake *disk;
	struct ext4 *fs;
	struct update u;
	uint32_t tries;  // of the operation that is run
};

// Makes a disk with `mke2fs ARGUMENTS` (options, the path is "$f") and mounts it.
void volume_create(struct volume *v, uint64_t num_blocks, const char *arguments);
// Mounts the disk, as it is.
void volume_mount(struct volume *v);
// Unmounts; the disk has no damage then: e2fsck -fn says nothing.
void volume_unmount_and_check(struct volume *v);
// Unmounts, checks, and frees the disk.
void volume_destroy(struct volume *v);
// Begins an update for a try of an operation; used by VOLUME_RUN.
void volume_begin(struct volume *v, uint32_t credits);
// Ends a try with its status. True: it has to be tried again.
bool volume_again(struct volume *v, int status);
// Lets all that is on its way complete.
void volume_settle(struct volume *v);
// Commits all, with a flush.
void volume_sync(struct volume *v);

// Runs an operation on v->u until it waits no longer; UPDATE_MORE is committed and goes on.
#define VOLUME_RUN(v, credits, call)                \
	({                                          \
		int status_;                        \
		do {                                \
			volume_begin(v, credits);   \
			status_ = (call);           \
		} while (volume_again(v, status_)); \
		status_;                            \
	})
