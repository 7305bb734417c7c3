// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/redo.h"

#include "libs/base/string.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"
#include "libs/starina/log.h"

// Equal bytes that two ranges are joined over: less than what a range costs.
#define JOINED 8u
// Of a block: each has a byte at least, and JOINED equal ones before the next. One more is where
// the search that finds none would put it.
#define MAX_RANGES (EXT4_BLOCK_SIZE / (JOINED + 1) + 2)

uint64_t redo_record_max(uint32_t credits)
{
	return sizeof(struct redo_record) +
		credits *
		(sizeof(struct redo_block) + sizeof(struct redo_range) + EXT4_BLOCK_SIZE) +
		UPDATE_MAX_FREED * sizeof(struct redo_freed);
}

static uint64_t used(const struct redo *redo)
{
	return redo->header->tail - redo->header->head;
}

bool redo_has_room(const struct redo *redo, uint32_t credits)
{
	return redo->header == NULL || redo_record_max(credits) <= redo->ring_size - used(redo);
}

bool redo_is_half_full(const struct redo *redo)
{
	return redo->header != NULL && used(redo) > redo->ring_size / 2;
}

void redo_get(const struct redo *redo, uint64_t at, void *out, size_t size)
{
	uint64_t start = at % redo->ring_size;
	size_t first = size < redo->ring_size - start ? size : (size_t)(redo->ring_size - start);

	memcpy(out, redo->ring + start, first);
	memcpy((uint8_t *)out + first, redo->ring, size - first);
}

void redo_put(const struct redo *redo, uint64_t at, const void *bytes, size_t size)
{
	uint64_t start = at % redo->ring_size;
	size_t first = size < redo->ring_size - start ? size : (size_t)(redo->ring_size - start);

	memcpy(redo->ring + start, bytes, first);
	memcpy(redo->ring, (const uint8_t *)bytes + first, size - first);
}

struct appender {
	const struct redo *redo;
	uint64_t at;
	uint32_t checksum;
};

static void append(struct appender *a, const void *bytes, size_t size)
{
	redo_put(a->redo, a->at, bytes, size);
	a->at += size;
	a->checksum = crc32c(a->checksum, bytes, size);
}

// Of blocks, which begin on a word.
static uint64_t word_at(const uint8_t *block, uint32_t at)
{
	uint64_t word;

	// Not the function: a call for each word would cost more than all else of an update.
	__builtin_memcpy(&word, __builtin_assume_aligned(block + at, sizeof(word)), sizeof(word));
	return word;
}

// The first byte from `at` on that differs, or EXT4_BLOCK_SIZE.
static uint32_t next_difference(const uint8_t *old, const uint8_t *new, uint32_t at)
{
	for (; at % sizeof(uint64_t) != 0; at++) {
		if (old[at] != new[at])
			return at;
	}
	while (at < EXT4_BLOCK_SIZE && word_at(old, at) == word_at(new, at))
		at += sizeof(uint64_t);
	while (at < EXT4_BLOCK_SIZE && old[at] == new[at])
		at++;
	return at;
}

// The next range of bytes from `at` on that differ. False: none.
static bool next_range(const uint8_t *old, const uint8_t *new, uint32_t at, struct redo_range *out)
{
	uint32_t end;

	at = next_difference(old, new, at);
	if (at == EXT4_BLOCK_SIZE)
		return false;
	end = at + 1;
	for (uint32_t i = end; i < EXT4_BLOCK_SIZE && i - end < JOINED; i++)
		if (old[i] != new[i])
			end = i + 1;
	*out = (struct redo_range){ .offset = (uint16_t)at, .size = (uint16_t)(end - at) };
	return true;
}

static void append_block(struct appender *a, const struct update_block *b)
{
	_Alignas(16) static const uint8_t zeroes[EXT4_BLOCK_SIZE];
	struct redo_range ranges[MAX_RANGES];
	bool is_new = b->is_new || b->entry->current == NULL;
	const uint8_t *old = is_new ? zeroes : b->entry->current->bytes;
	const uint8_t *new = b->copy->bytes;
	struct redo_block block = { .block = b->entry->block, .is_new = is_new };

	for (uint32_t at = 0; next_range(old, new, at, &ranges[block.num_ranges]);
	     block.num_ranges++)
		at = (uint32_t)ranges[block.num_ranges].offset + ranges[block.num_ranges].size;
	append(a, &block, sizeof(block));
	for (uint32_t i = 0; i < block.num_ranges; i++) {
		append(a, &ranges[i], sizeof(ranges[i]));
		append(a, new + ranges[i].offset, ranges[i].size);
	}
}

void redo_append(struct ext4 *fs, const struct update *update)
{
	const struct redo *redo = &fs->journal.redo;
	struct redo_record record = { .magic = REDO_MAGIC,
		                      .number = fs->journal.last_update,
		                      .transaction = fs->journal.running->id,
		                      .num_blocks = update->num_blocks,
		                      .num_freed = update->num_freed };
	struct appender a = { .redo = redo };

	if (redo->header == NULL || redo->is_replaying)
		return;
	a.at = redo->header->tail + sizeof(record);
	a.checksum = ~0u;
	for (uint32_t i = 0; i < update->num_blocks; i++)
		append_block(&a, &update->blocks[i]);
	for (uint32_t i = 0; i < update->num_freed; i++) {
		const struct update_freed *freed = &update->freed[i];
		struct redo_freed out = { .block = freed->block,
			                  .count = freed->count,
			                  .metadata = freed->metadata };

		append(&a, &out, sizeof(out));
	}
	record.size = (uint32_t)(a.at - redo->header->tail);
	record.checksum = crc32c(a.checksum, &record, sizeof(record));
	redo_put(redo, redo->header->tail, &record, sizeof(record));
	assert(record.size <= redo->ring_size - used(redo));
	__atomic_store_n(&redo->header->tail, a.at, __ATOMIC_RELEASE);
}

void redo_drop(struct ext4 *fs, uint64_t number)
{
	const struct redo *redo = &fs->journal.redo;
	struct redo_record record;
	uint64_t at;

	if (redo->header == NULL)
		return;
	at = redo->header->head;
	while (at != redo->header->tail) {
		redo_get(redo, at, &record, sizeof(record));
		if (record.number > number)
			break;
		if (record.size < sizeof(record) || record.size > redo->header->tail - at)
			break;  // somebody wrote into it; nothing behind it can be found
		redo->header->last_dropped = record.number;
		at += record.size;
		__atomic_store_n(&redo->header->head, at, __ATOMIC_RELEASE);
	}
}
