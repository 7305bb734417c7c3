// SPDX-License-Identifier: MIT
//
// A disk's bytes that e2fsck can look at, too: a file of /dev/shm in memory.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FSCK_SERVERS 4

// A program that is loaded and waits for orders.
struct fsck_server {
	const char *const *arguments;  // NULL: none
	int orders;
	int replies;
	pid_t pid;
};

struct fsck_fake {
	char path[64];
	uint8_t *bytes;
	size_t size;
	// Of each block: whether a program of fsck_fake_serve wrote it. The user's to clear.
	uint8_t *written;
	int written_fd;
	struct fsck_server servers[FSCK_SERVERS];
};

// A file of zeroes.
void fsck_fake_init(struct fsck_fake *file, size_t size);
// Removes it.
void fsck_fake_deinit(struct fsck_fake *file);
// Runs a program of e2fsprogs: its words, up to a NULL, and the file's path. Gives its exit status;
// what it says is on our stdout when `is_loud`.
int fsck_fake_run(const struct fsck_fake *file, const char *const *arguments, int is_loud);
// The same for a program that is run very often, in silence: the first time starts it, and
// `arguments`, of which there may be FSCK_SERVERS, stay where they are.
int fsck_fake_serve(struct fsck_fake *file, const char *const *arguments);
