// SPDX-License-Identifier: MIT

#include "libs/linux/disk/disk_cache.h"

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static uint64_t disk_bytes(const struct disk_cache *cache)
{
	return cache->disk->num_sectors * BLKDEV_SECTOR_SIZE;
}

static struct disk_chunk *chunk_find(struct disk_cache *cache, uint64_t index)
{
	for (size_t i = 0; i < DISK_CACHE_CHUNKS; i++) {
		struct disk_chunk *chunk = &cache->chunks[i];

		if (chunk->state != CHUNK_EMPTY && chunk->index == index)
			return chunk;
	}
	return NULL;
}

// An empty chunk, or the one that was not used for longest; NULL when all are loading.
static struct disk_chunk *chunk_evict(struct disk_cache *cache)
{
	struct disk_chunk *oldest = NULL;

	for (size_t i = 0; i < DISK_CACHE_CHUNKS; i++) {
		struct disk_chunk *chunk = &cache->chunks[i];

		if (chunk->state == CHUNK_EMPTY)
			return chunk;
		if (chunk->state == CHUNK_VALID &&
		    (oldest == NULL || chunk->last_use < oldest->last_use))
			oldest = chunk;
	}
	return oldest;
}

static void chunk_drop(struct disk_chunk *chunk)
{
	if (chunk->folio != HANDLE_NONE)
		handle_close(chunk->folio);
	chunk->folio = HANDLE_NONE;
	chunk->state = CHUNK_EMPTY;
	chunk->bytes = (struct span){ 0 };
}

static void serve_waiting(struct disk_cache *cache, uint64_t failed_chunk, error_t error);

// Whether a read that ended so goes on when the disk has come back.
static bool waits_for_disk(const struct disk_cache *cache, error_t status)
{
	return cache->may_return && cache->gone == 0 &&
		(status == ERR_PEER_CLOSED || status == ERR_NOT_READY);
}

static void chunk_loaded(void *context, error_t status, handle_t folio)
{
	struct disk_chunk *chunk = context;
	struct disk_cache *cache = chunk->cache;
	void *bytes;

	chunk->folio = folio;
	if (waits_for_disk(cache, status)) {
		chunk_drop(chunk);
		return;
	}
	if (status == 0)
		status = folio_map(folio, PROT_READ, &bytes);
	if (status == 0) {
		chunk->bytes.data = bytes;
		chunk->state = CHUNK_VALID;
		chunk->last_use = ++cache->clock;
	} else {
		chunk_drop(chunk);
	}
	cache->enter(cache->context);
	serve_waiting(cache, chunk->index, status);
	cache->leave(cache->context);
}

// Starts loading a chunk, unless it is there or on its way. Errors: ERR_FULL (try again after the
// next one was loaded), ...
static error_t chunk_load(struct disk_cache *cache, uint64_t index)
{
	uint64_t start = index * DISK_CACHE_CHUNK;
	uint64_t length = disk_bytes(cache) - start;
	struct disk_chunk *chunk;
	error_t err;

	if (chunk_find(cache, index) != NULL)
		return 0;
	if (cache->gone != 0)
		return cache->gone;
	chunk = chunk_evict(cache);
	if (chunk == NULL)
		return ERR_FULL;
	if (length > DISK_CACHE_CHUNK)
		length = DISK_CACHE_CHUNK;
	chunk->state = CHUNK_EMPTY;
	if (chunk->folio == HANDLE_NONE) {
		err = folio_create(DISK_CACHE_CHUNK, FOLIO_CONTIGUOUS, &chunk->folio);
		if (err < 0)
			return err;
	}
	chunk->index = index;
	chunk->bytes = (struct span){ .len = (size_t)length };
	err = disk_read(cache->disk, start / BLKDEV_SECTOR_SIZE, (uint32_t)length, chunk->folio,
	                chunk_loaded, chunk);
	if (err < 0)
		return err;
	chunk->folio = HANDLE_NONE;
	chunk->state = CHUNK_LOADING;
	return 0;
}

static bool is_loading(const struct disk_cache *cache)
{
	for (size_t i = 0; i < DISK_CACHE_CHUNKS; i++) {
		if (cache->chunks[i].state == CHUNK_LOADING)
			return true;
	}
	return false;
}

static void read_ahead(struct disk_cache *cache, uint64_t index)
{
	bool sequential = index == cache->last_chunk + 1;

	if (index == cache->last_chunk)
		return;
	cache->last_chunk = index;
	for (uint64_t i = index + 1; sequential && i <= index + DISK_CACHE_AHEAD; i++) {
		// Only a hint: what fails here is tried again when somebody wants it.
		if (i * DISK_CACHE_CHUNK >= disk_bytes(cache) || chunk_load(cache, i) < 0)
			return;
	}
}

// Serves what is there. Returns 0 when the read is complete, ERR_NOT_READY when it has to wait,
// else its failure.
static error_t serve(struct disk_cache *cache, struct disk_cache_read *read)
{
	while (read->done < read->length) {
		uint64_t offset = read->offset + read->done;
		uint64_t index = offset / DISK_CACHE_CHUNK;
		size_t skip = (size_t)(offset % DISK_CACHE_CHUNK);
		struct disk_chunk *chunk = chunk_find(cache, index);
		struct span bytes;
		error_t err;

		if (chunk == NULL) {
			err = chunk_load(cache, index);
			// Something that is under way will come back to us.
			return err == 0 || (err == ERR_FULL && is_loading(cache)) ||
					waits_for_disk(cache, err)
				? ERR_NOT_READY
				: err;
		}
		if (chunk->state == CHUNK_LOADING)
			return ERR_NOT_READY;
		if (skip >= chunk->bytes.len)
			return ERR_RANGE;
		bytes = (struct span){ .data = chunk->bytes.data + skip,
			               .len = chunk->bytes.len - skip };
		if (bytes.len > read->length - read->done)
			bytes.len = read->length - read->done;
		chunk->last_use = ++cache->clock;
		read->piece(read->context, read->done, bytes);
		read->done += bytes.len;
		read_ahead(cache, index);
	}
	return 0;
}

static bool read_needs(const struct disk_cache_read *read, uint64_t chunk)
{
	return (read->offset + read->done) / DISK_CACHE_CHUNK == chunk;
}

// Goes on with the reads that wait. Those that need `failed_chunk` fail with `error` if that is not
// 0.
static void serve_waiting(struct disk_cache *cache, uint64_t failed_chunk, error_t error)
{
	struct list again;

	// `finished` may start new reads: only those that waited before are looked at.
	list_init(&again);
	while (!list_is_empty(&cache->waiting))
		list_push_back(&again, list_pop_front(&cache->waiting));
	while (!list_is_empty(&again)) {
		struct disk_cache_read *read =
			container_of(list_pop_front(&again), struct disk_cache_read, entry);
		error_t err = error;

		if (err == 0 || !read_needs(read, failed_chunk))
			err = serve(cache, read);
		if (err == ERR_NOT_READY)
			list_push_back(&cache->waiting, &read->entry);
		else
			read->finished(read->context, err);
	}
}

void disk_cache_init(struct disk_cache *cache, struct disk *disk, void (*enter)(void *context),
                     void (*leave)(void *context), void *context)
{
	*cache = (struct disk_cache){ .disk = disk,
		                      .enter = enter,
		                      .leave = leave,
		                      .context = context };
	cache->last_chunk = UINT64_MAX - 1;
	list_init(&cache->waiting);
	for (size_t i = 0; i < DISK_CACHE_CHUNKS; i++)
		cache->chunks[i].cache = cache;
}

void disk_cache_resume(struct disk_cache *cache, error_t error)
{
	cache->gone = error;
	cache->enter(cache->context);
	serve_waiting(cache, UINT64_MAX, 0);
	cache->leave(cache->context);
}

void disk_cache_deinit(struct disk_cache *cache)
{
	for (size_t i = 0; i < DISK_CACHE_CHUNKS; i++)
		chunk_drop(&cache->chunks[i]);
	list_init(&cache->waiting);
}

void disk_cache_read(struct disk_cache *cache, struct disk_cache_read *read)
{
	uint64_t last = (read->offset + read->length - 1) / DISK_CACHE_CHUNK;
	error_t err;

	read->done = 0;
	err = serve(cache, read);
	if (err != ERR_NOT_READY) {
		read->finished(read->context, err);
		return;
	}
	list_push_back(&cache->waiting, &read->entry);
	// All chunks of the read at once; what does not start now starts when its turn comes.
	for (uint64_t i = (read->offset + read->done) / DISK_CACHE_CHUNK + 1; i <= last; i++) {
		if (chunk_load(cache, i) < 0)
			break;
	}
}
