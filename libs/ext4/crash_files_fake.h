// SPDX-License-Identifier: MIT
//
// Random work on files and folders, for crash states and kills. Each update stamps its number into
// the root's mtime, and what the tree is like then is remembered as a digest.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/device_fake.h"
#include "libs/ext4/ext4.h"

#define FILES_MAX_UPDATES 100000u
#define FILES_MAX_ORPHANS 64u

struct files {
	struct device_fake *disk;
	struct ext4 *fs;
	uint64_t number;    // of the last update
	uint64_t *digests;  // of the tree, by number
	struct ext4_node orphans[FILES_MAX_ORPHANS];
	uint32_t num_orphans;
	void (*synced)(void *context, uint64_t number);
	void *context;
	uint32_t num_syncs;  // on their way
};

// Begins on a mounted file system. What the tree is like is digests[number] already, but with a new
// `files`.
void files_begin(struct files *f, struct device_fake *disk, struct ext4 *fs);
// Frees what it remembers.
void files_end(struct files *f);
// One random step: an update, a sync, a tick, or some requests of the disk.
void files_step(struct files *f);
// The tree's number and digest. False: something in it cannot be read.
bool files_look(struct device_fake *disk, struct ext4 *fs, uint64_t *number, uint64_t *digest);
// Frees the orphans, as the owner does after a mount. False: it could not.
bool files_release_orphans(struct device_fake *disk, struct ext4 *fs);
