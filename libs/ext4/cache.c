// SPDX-License-Identifier: MIT
#include "libs/ext4/cache.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/update.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

struct version *version_create(uint64_t block)
{
	struct version *v = heap_alloc(sizeof(*v));

	if (v == NULL)
		return NULL;
	list_init(&v->entry);
	v->transaction = NULL;
	v->block = block;
	v->refs = 1;
	v->kind = 0;
	return v;
}

void version_put(struct version *v)
{
	if (v == NULL || --v->refs > 0)
		return;
	assert(list_is_empty(&v->entry));
	heap_free(v);
}

int cache_init(struct cache *cache, const struct ext4_options *options)
{
	*cache = (struct cache){ .device = options->device,
		                 .capacity = options->cache_blocks,
		                 .num_buckets = 64 };
	list_init(&cache->lru);
	while (cache->num_buckets < cache->capacity && cache->num_buckets < 1u << 20)
		cache->num_buckets *= 2;
	cache->buckets = heap_alloc(cache->num_buckets * sizeof(cache->buckets[0]));
	if (cache->buckets == NULL)
		return -LINUX_ENOMEM;
	for (uint32_t i = 0; i < cache->num_buckets; i++)
		list_init(&cache->buckets[i]);
	return 0;
}

static void entry_free(struct cached *entry)
{
	list_remove(&entry->hash);
	list_remove(&entry->lru);
	entry->cache->num_blocks--;
	version_put(entry->current);
	version_put(entry->logged);
	heap_free(entry);
}

void cache_deinit(struct cache *cache)
{
	if (cache->buckets == NULL)
		return;
	assert(cache->num_reading == 0);
	while (!list_is_empty(&cache->lru))
		entry_free(container_of(cache->lru.next, struct cached, lru));
	heap_free(cache->buckets);
	cache->buckets = NULL;
}

static struct list *bucket_of(const struct cache *cache, uint64_t block)
{
	uint64_t hash = block * 0x9e3779b97f4a7c15u;

	return &cache->buckets[(hash >> 32) & (cache->num_buckets - 1)];
}

struct cached *cache_find(const struct cache *cache, uint64_t block)
{
	list_for_each(pos, bucket_of(cache, block)) {
		struct cached *entry = container_of(pos, struct cached, hash);

		if (entry->block == block)
			return entry;
	}
	return NULL;
}

struct cached *cache_entry(struct cache *cache, uint64_t block)
{
	struct cached *entry = cache_find(cache, block);

	if (entry == NULL) {
		entry = heap_alloc(sizeof(*entry));
		if (entry == NULL)
			return NULL;
		*entry = (struct cached){ .cache = cache, .block = block };
		list_init(&entry->lru);
		list_push_front(bucket_of(cache, block), &entry->hash);
		cache->num_blocks++;
	}
	list_remove(&entry->lru);
	list_push_back(&cache->lru, &entry->lru);
	return entry;
}

static void read_done(struct ext4_io *io, int status)
{
	struct cached *entry = io->context;
	struct cache *cache = entry->cache;

	entry->reading = false;
	cache->num_reading--;
	// An update may have made the block anew meanwhile.
	if (status != 0 || entry->current != NULL) {
		version_put(entry->loading);
		entry->error = entry->current == NULL ? status : 0;
	} else {
		entry->current = entry->loading;
	}
	entry->loading = NULL;
	if (cache->resume != NULL)
		cache->resume(cache->context);
}

static int begin_read(struct cached *entry)
{
	entry->loading = version_create(entry->block);
	if (entry->loading == NULL)
		return -LINUX_ENOMEM;
	entry->reading = true;
	entry->cache->num_reading++;
	entry->io = (struct ext4_io){ .block = entry->block,
		                      .count = 1,
		                      .bytes = entry->loading->bytes,
		                      .done = read_done,
		                      .context = entry };
	entry->cache->device->submit(entry->cache->device, &entry->io);
	return UPDATE_WAIT;
}

int cache_read(struct cache *cache, uint64_t block, struct cached **out)
{
	struct cached *entry = cache_entry(cache, block);

	*out = entry;
	if (entry == NULL)
		return -LINUX_ENOMEM;
	if (entry->current != NULL)
		return 0;
	if (entry->reading)
		return UPDATE_WAIT;
	return entry->error != 0 ? entry->error : begin_read(entry);
}

void cache_set_current(struct cached *entry, struct version *version)
{
	version_put(entry->current);
	entry->current = version;
	entry->error = 0;
}

bool cache_evict(struct cached *entry)
{
	if (entry->num_changes > 0 || entry->logged != NULL || entry->writing || entry->reading)
		return false;
	entry_free(entry);
	return true;
}

// Entries to look at in one go.
#define TRIM_MOST 64u

void cache_trim(struct cache *cache)
{
	for (uint32_t i = 0; i < TRIM_MOST && cache->num_blocks > cache->capacity; i++) {
		struct cached *entry = container_of(cache->lru.next, struct cached, lru);

		if (cache_evict(entry))
			continue;
		list_remove(&entry->lru);
		list_push_back(&cache->lru, &entry->lru);
	}
}
