// SPDX-License-Identifier: MIT
//
// A disk in memory, for tests. Its requests complete when the test says so, in random order.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/ext4/device.h"

struct device_fake {
	struct ext4_device device;
	uint8_t *bytes;
	bool is_lent;  // the bytes are somebody else's
	int file;      // of memory, which the bytes are; not of one that is lent
	uint64_t random;
	struct list pending;
	uint32_t num_pending;
	uint64_t num_reads, num_writes, num_flushes;  // that were submitted
	// Fails requests that touch this block; num_blocks: none.
	uint64_t bad_block;
	// Called as a request is submitted, and as it completes, before its `done`; NULL: nobody.
	// Flushes have count 0.
	void (*submitted)(struct device_fake *fake, const struct ext4_io *io);
	void (*completed)(struct device_fake *fake, const struct ext4_io *io);
	void *context;
};

// A disk of zeroes, or of a copy of `bytes` if not NULL. The seed decides the order of requests.
struct device_fake *device_fake_create(uint64_t num_blocks, const uint8_t *bytes, uint64_t seed);
// A disk that is these bytes.
struct device_fake *device_fake_lend(uint64_t num_blocks, uint8_t *bytes, uint64_t seed);
// Frees it. What is pending never completes.
void device_fake_destroy(struct device_fake *fake);
// Completes one request. False: there is none.
bool device_fake_step(struct device_fake *fake);
// A random number below `below`.
uint32_t device_fake_random(struct device_fake *fake, uint32_t below);
// Runs a shell command (with "$f" as the path) on the disk as a file; not on one that is lent.
// Gives the command's exit status; its output goes to `output` if not NULL.
int device_fake_command(struct device_fake *fake, const char *command, char *output, size_t size);
