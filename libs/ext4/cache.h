// SPDX-License-Identifier: MIT
//
// Blocks of metadata in memory. What a block holds is a *version*, which does not change once it
// is in the cache: an update makes a new one, and puts it in the old one's place. So the journal
// writes a version to the disk while updates go on, without copies and without waiting.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/base/list.h"
#include "libs/ext4/device.h"
#include "libs/ext4/ext4.h"

struct transaction;
struct cached;

struct version {
	struct list entry;                // among the blocks of `transaction`
	struct transaction *transaction;  // whose change it is; NULL: as it is on the disk
	struct cached *cached;            // with a transaction: the block's entry
	uint64_t block;
	uint32_t refs;
	uint32_t kind;  // what `bytes` was found to be, for who reads it; 0: not looked at yet
	_Alignas(16) uint8_t bytes[EXT4_BLOCK_SIZE];
};

// A version with one reference and bytes of any value. NULL: no memory.
struct version *version_create(uint64_t block);
// Another reference to it.
static inline struct version *version_get(struct version *v)
{
	v->refs++;
	return v;
}
// The kind of what update_read gave: a checksum need be looked at once only.
static inline uint32_t *block_kind(const uint8_t *bytes)
{
	return &container_of((uint8_t *)(uintptr_t)bytes, struct version, bytes)->kind;
}
// Gives a reference back; the last one frees. NULL is fine.
void version_put(struct version *v);

struct cached {
	struct list hash;
	struct list lru;
	struct cache *cache;
	uint64_t block;
	// NULL: its content is not known (it is being read, could not be read, is freed, or is new
	// in an update that was not committed).
	struct version *current;
	// The version that is in the journal and not yet in its place; NULL: none.
	struct version *logged;
	uint32_t num_changes;  // versions that are a transaction's
	bool writing;          // a version is on its way to its place
	bool reading;
	int error;  // of the read; remembered while the entry is there
	struct ext4_io io;
	struct version *loading;  // what `io` reads into
};

struct cache {
	struct ext4_device *device;
	struct list *buckets;
	uint32_t num_buckets;  // a power of two
	uint32_t capacity;
	uint32_t num_blocks;
	uint32_t num_reading;
	struct list lru;                // the least recently used first
	void (*resume)(void *context);  // NULL while the file system is mounted or unmounted
	void *context;
};

// Sets it up. Errors: -LINUX_ENOMEM.
int cache_init(struct cache *cache, const struct ext4_options *options);
// Frees all. No request may be on its way.
void cache_deinit(struct cache *cache);
// The block's entry; NULL: it has none.
struct cached *cache_find(const struct cache *cache, uint64_t block);
// The block's entry, with a current version. UPDATE_WAIT: it is being read, and `resume` is called
// later. Errors: -LINUX_EIO, -LINUX_ENOMEM.
int cache_read(struct cache *cache, uint64_t block, struct cached **out);
// The block's entry, made if need be, with whatever content. NULL: no memory.
struct cached *cache_entry(struct cache *cache, uint64_t block);
// Makes a version current. Takes over the reference.
void cache_set_current(struct cached *entry, struct version *version);
// Forgets what was used least and can be read again, while more than the capacity is there; a few
// blocks in a call. No pointer to an entry or into a version may be held.
void cache_trim(struct cache *cache);
// Forgets a block if it can be read again. False: it stays.
bool cache_evict(struct cached *entry);
