// SPDX-License-Identifier: MIT
//
// Two index blocks, which each update changes, say what is in each block of the pool: nothing,
// metadata or a file's data, made from a seed. A file's block is written before the update that
// makes it a file's, and only when nobody holds it.
#include "libs/ext4/crash_workload_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/ext4/internal.h"

uint64_t workload_pool;

enum use { USE_NONE, USE_METADATA, USE_DATA };

// In both index blocks, alternately filled up.
struct index {
	uint64_t number;
	struct {
		uint32_t use;
		uint32_t seed;
	} blocks[POOL_BLOCKS];
};

struct writing {
	struct ext4_io io;
	bool is_done;
};

static void fill(uint8_t *bytes, uint64_t block, uint32_t seed)
{
	uint32_t value = seed * 2654435761u + (uint32_t)block;

	for (uint32_t i = 0; i < EXT4_BLOCK_SIZE / 4; i++) {
		memcpy(bytes + (size_t)i * 4, &value, 4);
		value = value * 1664525u + 1013904223u;
	}
	// Some look like the journal's own.
	if (seed % 8 == 0)
		memcpy(bytes, "\xc0\x3b\x39\x98", 4);
}

static void written(struct ext4_io *io, int status)
{
	(void)status;
	((struct writing *)io->context)->is_done = true;
}

// The owner of a file writes to its block, and waits.
static void write_data(struct workload *w, uint64_t block, uint32_t seed)
{
	uint8_t bytes[EXT4_BLOCK_SIZE];
	struct writing writing = { .io = { .block = block,
		                           .count = 1,
		                           .write = true,
		                           .bytes = bytes,
		                           .done = written,
		                           .context = &writing } };

	fill(bytes, block, seed);
	w->disk->device.submit(&w->disk->device, &writing.io);
	while (!writing.is_done)
		device_fake_step(w->disk);
}

static int change_block(struct workload *w, struct update *u, struct index *index, uint32_t i,
                        uint32_t seed)
{
	uint64_t block = workload_pool + 2 + i;
	uint8_t *bytes;
	int status = 0;

	switch (index->blocks[i].use) {
	case USE_NONE:
		index->blocks[i].use = seed % 2 == 0 ? USE_METADATA : USE_DATA;
		index->blocks[i].seed = seed;
		if (seed % 2 == 0 && (status = update_new(u, block, &bytes)) == 0)
			fill(bytes, block, seed);
		break;
	case USE_METADATA:
		if (seed % 3 == 0) {
			index->blocks[i].use = USE_NONE;
			return update_free(u, block, 1, true);
		}
		status = update_write(u, block, &bytes);
		if (status != 0)
			return status;
		index->blocks[i].seed = seed;
		fill(bytes, block, seed);
		break;
	default:
		index->blocks[i].use = USE_NONE;
		status = update_free(u, block, 1, false);
		break;
	}
	(void)w;
	return status;
}

static int try_update(struct workload *w, const uint32_t *which, const uint32_t *seeds,
                      uint32_t count)
{
	struct update u;
	uint8_t *first, *second;
	struct index *index;
	int status = update_begin(&u, w->fs, count + 2);

	if (status == 0)
		status = update_write(&u, workload_pool, &first);
	if (status == 0)
		status = update_write(&u, workload_pool + 1, &second);
	if (status != 0)
		goto out;
	index = (struct index *)(void *)first;
	for (uint32_t i = 0; i < count && status == 0; i++)
		status = change_block(w, &u, index, which[i], seeds[i]);
	if (status != 0)
		goto out;
	index->number++;
	memcpy(second, first, sizeof(*index));
	w->number = index->number;
	update_commit(&u, NULL);
	return 0;
out:
	update_drop(&u);
	return status;
}

// The index as updates see it, for what must be written before one.
static int read_index(struct workload *w, struct index *out)
{
	struct update u;
	const uint8_t *bytes;
	int status;

	while ((status = update_begin(&u, w->fs, 0)) == 0 &&
	       (status = update_read(&u, workload_pool, &bytes)) == UPDATE_WAIT) {
		update_drop(&u);
		device_fake_step(w->disk);
	}
	if (status == 0)
		memcpy(out, bytes, sizeof(*out));
	update_drop(&u);
	return status;
}

static void update(struct workload *w)
{
	uint32_t count = 1 + device_fake_random(w->disk, 6);
	uint32_t which[6], seeds[6], chosen = 0;
	struct index index;
	int status;

	if (read_index(w, &index) != 0)
		abort();
	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = device_fake_random(w->disk, POOL_BLOCKS / 6) * 6 + n;
		uint32_t seed = device_fake_random(w->disk, 1u << 30);
		uint64_t block = workload_pool + 2 + i;

		if (index.blocks[i].use == USE_NONE && update_is_held(w->fs, block))
			continue;
		if (index.blocks[i].use == USE_NONE && seed % 2 != 0)
			write_data(w, block, seed);
		which[chosen] = i;
		seeds[chosen++] = seed;
	}
	while ((status = try_update(w, which, seeds, chosen)) == UPDATE_WAIT)
		if (!device_fake_step(w->disk))
			abort();
	w->is_stopped = status != 0;
}

struct syncing {
	struct ext4_sync sync;
	struct workload *w;
	uint64_t number;
};

static void synced(void *context, int status)
{
	struct syncing *syncing = context;
	struct workload *w = syncing->w;

	w->num_syncs--;
	if (status == 0 && w->synced != NULL)
		w->synced(w->context, syncing->number);
	free(syncing);
}

void workload_begin(struct workload *w, struct device_fake *disk, struct ext4 *fs)
{
	struct index index;

	w->disk = disk;
	w->fs = fs;
	w->num_syncs = 0;
	w->is_stopped = read_index(w, &index) != 0;
	w->number = index.number;
}

void workload_step(struct workload *w)
{
	uint32_t what = device_fake_random(w->disk, 32);
	struct syncing *syncing;

	if (what < 14) {
		update(w);
	} else if (what < 16) {
		syncing = malloc(sizeof(*syncing));
		*syncing = (struct syncing){ .sync = { .done = synced, .context = syncing },
			                     .w = w,
			                     .number = w->number };
		w->num_syncs++;
		ext4_sync(w->fs, &syncing->sync);
	} else if (what == 16) {
		ext4_tick(w->fs, w->fs->journal.seconds + 3);
	} else if (what == 17) {
		checkpoint_begin(w->fs);
	} else if (what == 18) {
		struct cached *entry = cache_find(
			&w->fs->cache, workload_pool + device_fake_random(w->disk, POOL_BLOCKS));

		if (entry != NULL)
			(void)cache_evict(entry);
	} else {
		for (uint32_t i = device_fake_random(w->disk, 12); i > 0; i--)
			device_fake_step(w->disk);
	}
}

void workload_settle(struct workload *w)
{
	while (device_fake_step(w->disk))
		;
}

const char *workload_check(const uint8_t *bytes, uint64_t least, uint64_t most)
{
	static char text[200];
	const uint8_t *first = bytes + workload_pool * EXT4_BLOCK_SIZE;
	const struct index *index = (const void *)first;
	uint8_t wanted[EXT4_BLOCK_SIZE];

	if (memcmp(first, first + EXT4_BLOCK_SIZE, EXT4_BLOCK_SIZE) != 0)
		return "an update is there in part";
	if (index->number < least || index->number > most) {
		snprintf(text, sizeof(text), "update %llu, but %llu to %llu were to be there",
		         (unsigned long long)index->number, (unsigned long long)least,
		         (unsigned long long)most);
		return text;
	}
	for (uint32_t i = 0; i < POOL_BLOCKS; i++) {
		uint64_t block = workload_pool + 2 + i;

		if (index->blocks[i].use == USE_NONE)
			continue;
		fill(wanted, block, index->blocks[i].seed);
		if (memcmp(wanted, bytes + block * EXT4_BLOCK_SIZE, EXT4_BLOCK_SIZE) == 0)
			continue;
		snprintf(text, sizeof(text), "block %u (%s) has not what update %llu wrote", i,
		         index->blocks[i].use == USE_DATA ? "a file's" : "metadata",
		         (unsigned long long)index->number);
		return text;
	}
	return NULL;
}
