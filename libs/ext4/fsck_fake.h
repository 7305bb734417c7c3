// SPDX-License-Identifier: MIT
//
// A disk's bytes that e2fsck can look at, too: a file of /dev/shm in memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fsck_fake {
	char path[64];
	uint8_t *bytes;
	size_t size;
};

// A file of zeroes.
void fsck_fake_init(struct fsck_fake *file, size_t size);
// Removes it.
void fsck_fake_deinit(struct fsck_fake *file);
// Runs a program of e2fsprogs: its words, up to a NULL, and the file's path. Gives its exit status;
// what it says is on our stdout when `is_loud`.
int fsck_fake_run(const struct fsck_fake *file, const char *const *arguments, int is_loud);
