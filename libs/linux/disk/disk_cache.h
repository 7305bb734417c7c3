// SPDX-License-Identifier: MIT
//
// Cached reads of a disk in chunks, with read-ahead. A guest has a page cache of its own for file
// data; this one makes one request of the many small ones that a file system's metadata causes.
#pragma once

#include "libs/linux/disk/disk.h"
#include "libs/base/span.h"

#define DISK_CACHE_CHUNK (128u * 1024)
#define DISK_CACHE_CHUNKS 32u
// Chunks fetched ahead of a reader that goes on where the chunk before ended.
#define DISK_CACHE_AHEAD 2u

// A read in hand; the caller's storage until `finished`.
struct disk_cache_read {
	uint64_t offset;
	size_t length;
	// Bytes of the disk, `position` bytes from the start of the read; pieces come in order.
	void (*piece)(void *context, size_t position, struct span bytes);
	void (*finished)(void *context, error_t status);
	void *context;
	// Private.
	size_t done;
	struct list entry;
};

enum disk_chunk_state {
	CHUNK_EMPTY = 0,
	CHUNK_LOADING,
	CHUNK_VALID,
};

struct disk_cache;

struct disk_chunk {
	struct disk_cache *cache;
	enum disk_chunk_state state;
	uint64_t index;
	handle_t folio;
	struct span bytes;
	uint64_t last_use;
};

struct disk_cache {
	struct disk *disk;
	// A disk whose channel was closed may come back: reads wait for disk_cache_resume instead
	// of failing.
	bool may_return;
	// Called around what comes from the disk's callbacks, so that `piece` and `finished` run
	// under the owner's lock.
	void (*enter)(void *context);
	void (*leave)(void *context);
	void *context;
	// Private.
	error_t gone;  // the disk will not come back
	struct list waiting;
	uint64_t clock;
	uint64_t last_chunk;  // that a read was served from
	struct disk_chunk chunks[DISK_CACHE_CHUNKS];
};

// `disk` must be ready and outlive the cache.
void disk_cache_init(struct disk_cache *cache, struct disk *disk, void (*enter)(void *context),
                     void (*leave)(void *context), void *context);
// The disk is back (`error` 0), with the same content, or will not be: then what waits, and all
// later reads of what is not cached, fail with `error`.
void disk_cache_resume(struct disk_cache *cache, error_t error);
// Frees all chunks. Reads in hand are forgotten. After disk_deinit.
void disk_cache_deinit(struct disk_cache *cache);
// Starts a read, whose public fields are set and which lies within the disk. It may finish before
// this returns.
void disk_cache_read(struct disk_cache *cache, struct disk_cache_read *read);
