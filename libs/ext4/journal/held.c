// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/held.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define CHUNK_BLOCKS 1024u

struct chunk {
	struct list entry;
	uint64_t number;  // its first block is number * CHUNK_BLOCKS
	uint8_t bits[CHUNK_BLOCKS / 8];
};

void held_init(struct held *held)
{
	for (uint32_t i = 0; i < HELD_BUCKETS; i++)
		list_init(&held->buckets[i]);
	held->is_empty = true;
}

void held_clear(struct held *held)
{
	struct list *entry;

	for (uint32_t i = 0; i < HELD_BUCKETS; i++)
		while ((entry = list_pop_front(&held->buckets[i])) != NULL)
			heap_free(container_of(entry, struct chunk, entry));
	held->is_empty = true;
}

static struct chunk *find(const struct held *held, uint64_t number)
{
	list_for_each(pos, &held->buckets[number % HELD_BUCKETS]) {
		struct chunk *chunk = container_of(pos, struct chunk, entry);

		if (chunk->number == number)
			return chunk;
	}
	return NULL;
}

int held_reserve(struct held *held, uint64_t block, uint32_t count)
{
	uint64_t last = (block + count - 1) / CHUNK_BLOCKS;

	for (uint64_t number = block / CHUNK_BLOCKS; number <= last; number++) {
		struct chunk *chunk;

		if (find(held, number) != NULL)
			continue;
		chunk = heap_alloc(sizeof(*chunk));
		if (chunk == NULL)
			return -LINUX_ENOMEM;
		memset(chunk, 0, sizeof(*chunk));
		chunk->number = number;
		list_push_front(&held->buckets[number % HELD_BUCKETS], &chunk->entry);
	}
	return 0;
}

void held_add(struct held *held, uint64_t block, uint32_t count)
{
	held->is_empty = held->is_empty && count == 0;
	for (uint64_t b = block; b < block + count; b++) {
		struct chunk *chunk = find(held, b / CHUNK_BLOCKS);

		assert(chunk != NULL);
		chunk->bits[b % CHUNK_BLOCKS / 8] |= (uint8_t)(1u << (b % 8));
	}
}

bool held_has(const struct held *held, uint64_t block)
{
	const struct chunk *chunk = held->is_empty ? NULL : find(held, block / CHUNK_BLOCKS);

	return chunk != NULL && (chunk->bits[block % CHUNK_BLOCKS / 8] & (1u << (block % 8))) != 0;
}
