// SPDX-License-Identifier: MIT
//
// The redo memory: a record of each committed update whose transaction is not on the disk. It
// outlives the app, not the machine. A record is published by the store of the memory's tail, so
// one that the app did not finish is none.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/ext4/ext4.h"

#define REDO_MAGIC 0x4f444552u  // "REDO"

// At the memory's beginning; a ring of records behind it. Places in it are counted without end.
struct redo_header {
	uint32_t magic;
	uint32_t reserved;
	uint64_t size;  // of the memory
	uint8_t uuid[16];
	uint64_t head;
	uint64_t tail;
	uint64_t last_dropped;  // the number of the last update before head
};

// Then num_blocks times a redo_block with its ranges, and num_freed times a redo_freed.
struct redo_record {
	uint32_t magic;
	uint32_t size;  // of all of it
	uint64_t number;
	uint32_t transaction;
	uint32_t checksum;  // crc32c of what follows, then of this with a checksum of 0
	uint32_t num_blocks;
	uint32_t num_freed;
};

// Then num_ranges times a redo_range with its bytes.
struct redo_block {
	uint64_t block;
	uint32_t is_new;  // what is in no range is zero, else as before
	uint32_t num_ranges;
};

struct redo_range {
	uint16_t offset;
	uint16_t size;
};

struct redo_freed {
	uint64_t block;
	uint32_t count;
	uint32_t metadata;
};

struct redo {
	struct redo_header *header;  // NULL: there is no memory
	uint8_t *ring;
	uint64_t ring_size;
	bool is_replaying;
};

struct update;

// Takes up the memory: applies the records of transactions that are not on the disk and commits
// them, so that none is left. Blocks. Errors: as ext4_mount's. What is damaged is logged and left
// out, with all that follows.
int redo_open(struct ext4 *fs, const struct ext4_redo *memory, char *why, size_t why_size);
// Whether the memory has no record that redo_open might apply.
bool redo_is_empty(const struct ext4_redo *memory);
// The longest record of an update with so many blocks.
uint64_t redo_record_max(uint32_t credits);
// Whether a record of any update with so many blocks fits.
bool redo_has_room(const struct redo *redo, uint32_t credits);
// Whether it is time to commit.
bool redo_is_half_full(const struct redo *redo);
// Publishes the record of an update that is about to become journal.last_update; its blocks have
// their old versions still.
void redo_append(struct ext4 *fs, const struct update *update);
// Forgets the records up to this number.
void redo_drop(struct ext4 *fs, uint64_t number);

// Copies out of the ring, and into it.
void redo_get(const struct redo *redo, uint64_t at, void *out, size_t size);
void redo_put(const struct redo *redo, uint64_t at, const void *bytes, size_t size);
