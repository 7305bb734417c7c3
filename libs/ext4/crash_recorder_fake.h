// SPDX-License-Identifier: MIT
//
// Records what is written to a disk in memory, and says what may be on it if the power goes: all
// that a completed flush covers, any part of the rest, and of the last of these any sectors.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/device_fake.h"

#define SECTOR_SIZE 512u

// A write of one block. Times count events (requests that begin or complete).
struct recorded {
	const struct ext4_io *io;  // while it is on its way
	uint64_t block;
	uint32_t submitted, completed, durable;  // UINT32_MAX: not
	uint8_t bytes[EXT4_BLOCK_SIZE];
};

struct recorder {
	struct device_fake *disk;
	struct recorded **writes;
	uint32_t num_writes, max_writes;
	uint32_t first_open;     // all writes before it are durable
	uint32_t *made_durable;  // writes, in the order in which they became durable
	uint32_t num_durable;
	uint32_t now;
	uint32_t flush_submitted[64];  // of the flushes on their way
	const struct ext4_io *flushes[64];
	// What sync has promised: the owner's number, by time.
	uint64_t *promised;
	uint32_t max_promised;
};

// Begins to record. The disk's hooks are the recorder's.
void recorder_init(struct recorder *recorder, struct device_fake *disk);
// Frees what it has.
void recorder_deinit(struct recorder *recorder);
// From now on a crash leaves at least the update `number`.
void recorder_promise(struct recorder *recorder, uint64_t number);

// What may be on the disk, at times that go up from 0.
struct crash {
	const struct recorder *recorder;
	uint32_t first_open;   // all writes before it are durable
	uint32_t num_durable;  // of recorder->made_durable
	uint32_t *open;        // writes that no flush covers, in order
	uint32_t num_open;
	uint32_t next;  // state
};
// Begins with what a workload has left.
void crash_init(struct crash *crash, const struct recorder *recorder);
// Frees what it has.
void crash_deinit(struct crash *crash);
// The next write that has become durable until `time`; NULL: there is no other.
const struct recorded *crash_durable(struct crash *crash, uint32_t time);
// Finds what is open at `time`.
void crash_open(struct crash *crash, uint32_t time);
// Puts the open writes of the next state over `bytes`, which has all durable ones: first all of
// them, then each left out, then 8 random subsets, then torn ones. False: there is no other state.
bool crash_next(struct crash *crash, uint8_t *bytes, struct device_fake *random);
