// SPDX-License-Identifier: MIT
#include "libs/locks/locks.h"

// After each store that changes what the table says: the tests look at it there.
#ifndef LOCKS_STORED
#define LOCKS_STORED()
#endif

// The stores of one field each, in the order of the program: a process may end between any two.
#define STORE(place, value)                                            \
	do {                                                           \
		__atomic_store_n(&(place), (value), __ATOMIC_RELEASE); \
		LOCKS_STORED();                                        \
	} while (0)

static bool is_of_file(const struct lock *entry, uint64_t file, bool flock)
{
	return entry->type != LOCKS_NONE && entry->file == file && (entry->flock != 0) == flock;
}

static bool is_same_owner(const struct lock *a, const struct lock *b)
{
	return a->session == b->session && a->owner == b->owner;
}

static bool overlaps(const struct lock *entry, uint64_t start, uint64_t end)
{
	return entry->start <= end && start <= entry->end;
}

// Whether the two ranges are one, put together.
static bool touches(const struct lock *entry, uint64_t start, uint64_t end)
{
	return overlaps(entry, start > 0 ? start - 1 : 0, end < LOCKS_END ? end + 1 : end);
}

// Of the request's owner, on the request's file.
static bool is_own(const struct lock *entry, const struct lock *request)
{
	return is_of_file(entry, request->file, request->flock != 0) &&
		is_same_owner(entry, request);
}

// --- Entries -------------------------------------------------------------------------------------

void locks_init(struct lock_table *table, struct lock *entries, uint32_t capacity,
                uint32_t max_of_session)
{
	*table = (struct lock_table){ .entries = entries,
		                      .capacity = capacity,
		                      .max_of_session = max_of_session };
	for (uint32_t i = 0; i < capacity; i++) {
		if (entries[i].type != LOCKS_NONE)
			table->high = i + 1;
	}
}

static void entry_drop(struct lock_table *table, struct lock *entry)
{
	STORE(entry->type, (uint32_t)LOCKS_NONE);
	while (table->high > 0 && table->entries[table->high - 1].type == LOCKS_NONE)
		table->high--;
}

// There is room for it.
static struct lock *entry_add(struct lock_table *table, const struct lock *lock)
{
	struct lock *entry = table->entries;

	while (entry->type != LOCKS_NONE)
		entry++;
	if (entry - table->entries >= table->high)
		table->high = (uint32_t)(entry - table->entries) + 1;
	entry->file = lock->file;
	entry->owner = lock->owner;
	entry->start = lock->start;
	entry->end = lock->end;
	entry->session = lock->session;
	entry->pid = lock->pid;
	entry->flock = lock->flock;
	STORE(entry->type, lock->type);
	return entry;
}

static bool has_room(const struct lock_table *table, uint32_t session, uint32_t wanted)
{
	uint32_t free = table->capacity, of_session = 0;

	for (uint32_t i = 0; i < table->high; i++) {
		if (table->entries[i].type == LOCKS_NONE)
			continue;
		free--;
		of_session += table->entries[i].session == session;
	}
	return wanted == 0 ||
		(of_session + wanted <= table->max_of_session && of_session + wanted <= free);
}

// --- Setting -------------------------------------------------------------------------------------

// Whether the entry has bytes on both sides of the range: it becomes two.
static bool is_split(const struct lock *entry, const struct lock *range)
{
	return entry->start < range->start && entry->end > range->end;
}

// How many entries it needs beside those that are there.
static uint32_t entries_needed(const struct lock_table *table, const struct lock *range)
{
	uint32_t needed = range->type != LOCKS_NONE ? 1 : 0;

	for (uint32_t i = 0; i < table->high; i++) {
		const struct lock *entry = &table->entries[i];

		if (is_own(entry, range) && entry->type != range->type && is_split(entry, range))
			needed++;
	}
	return needed;
}

// Whether the owner has just that already.
static bool is_there(const struct lock_table *table, const struct lock *request)
{
	bool there = false;

	for (uint32_t i = 0; i < table->high; i++) {
		const struct lock *entry = &table->entries[i];

		if (!is_own(entry, request) || !overlaps(entry, request->start, request->end))
			continue;
		if (entry->type != request->type)
			return false;
		there = there || (entry->start <= request->start && entry->end >= request->end);
	}
	return there;
}

// The owner's locks of the same type beside the range become part of it.
static void absorb(const struct lock_table *table, struct lock *range)
{
	for (uint32_t i = 0; i < table->high; i++) {
		const struct lock *entry = &table->entries[i];

		if (!is_own(entry, range) || entry->type != range->type ||
		    !touches(entry, range->start, range->end))
			continue;
		if (entry->start < range->start)
			range->start = entry->start;
		if (entry->end > range->end)
			range->end = entry->end;
	}
}

// Takes the range out of an entry.
static void cut(struct lock_table *table, struct lock *entry, const struct lock *range)
{
	if (entry->start >= range->start && entry->end <= range->end) {
		entry_drop(table, entry);
		return;
	}
	if (is_split(entry, range)) {
		struct lock rest = *entry;

		rest.start = range->end + 1;
		(void)entry_add(table, &rest);
	}
	if (entry->start < range->start)
		STORE(entry->end, range->start - 1);
	else
		STORE(entry->start, range->end + 1);
}

// The request's range, with what becomes part of it.
static struct lock whole_range(const struct lock_table *table, const struct lock *request)
{
	struct lock range = *request;

	if (range.type != LOCKS_NONE)
		absorb(table, &range);
	return range;
}

enum locks_result locks_check(const struct lock_table *table, const struct lock *request)
{
	struct lock range;

	if (request->type != LOCKS_NONE && locks_find(table, request) != NULL)
		return LOCKS_HELD;
	range = whole_range(table, request);
	return is_there(table, request) ||
			has_room(table, request->session, entries_needed(table, &range))
		? LOCKS_DONE
		: LOCKS_FULL;
}

enum locks_result locks_set(struct lock_table *table, const struct lock *request)
{
	struct lock range = whole_range(table, request);
	const struct lock *added = NULL;
	enum locks_result result = locks_check(table, request);

	if (result != LOCKS_DONE || is_there(table, request))
		return result;
	if (request->type != LOCKS_NONE)
		added = entry_add(table, &range);
	// What a split adds has no byte of the range.
	for (uint32_t i = 0; i < table->high; i++) {
		struct lock *entry = &table->entries[i];

		if (entry != added && is_own(entry, &range) &&
		    overlaps(entry, range.start, range.end))
			cut(table, entry, &range);
	}
	return LOCKS_DONE;
}

// --- Looking -------------------------------------------------------------------------------------

const struct lock *locks_find(const struct lock_table *table, const struct lock *request)
{
	for (uint32_t i = 0; i < table->high; i++) {
		const struct lock *entry = &table->entries[i];

		if (is_of_file(entry, request->file, request->flock != 0) &&
		    !is_same_owner(entry, request) &&
		    (entry->type == LOCKS_WRITE || request->type == LOCKS_WRITE) &&
		    overlaps(entry, request->start, request->end))
			return entry;
	}
	return NULL;
}

enum lock_type locks_strongest(const struct lock_table *table, uint64_t file, bool flock)
{
	enum lock_type strongest = LOCKS_NONE;

	for (uint32_t i = 0; i < table->high; i++) {
		const struct lock *entry = &table->entries[i];

		if (is_of_file(entry, file, flock) && entry->type > (uint32_t)strongest)
			strongest = (enum lock_type)entry->type;
	}
	return strongest;
}

bool locks_gap(const struct lock_table *table, uint64_t file, bool flock, uint64_t *start,
               uint64_t *end)
{
	bool moved;

	do {
		moved = false;
		for (uint32_t i = 0; i < table->high; i++) {
			const struct lock *entry = &table->entries[i];

			if (!is_of_file(entry, file, flock) || !overlaps(entry, *start, *start))
				continue;
			if (entry->end >= *end)
				return false;
			*start = entry->end + 1;
			moved = true;
		}
	} while (moved);
	for (uint32_t i = 0; i < table->high; i++) {
		const struct lock *entry = &table->entries[i];

		if (is_of_file(entry, file, flock) && overlaps(entry, *start, *end))
			*end = entry->start - 1;
	}
	return true;
}

// --- Ends ----------------------------------------------------------------------------------------

void locks_drop_session(struct lock_table *table, uint32_t session)
{
	for (uint32_t i = 0; i < table->high; i++) {
		if (table->entries[i].type != LOCKS_NONE && table->entries[i].session == session)
			entry_drop(table, &table->entries[i]);
	}
}

void locks_drop_file(struct lock_table *table, uint64_t file)
{
	for (uint32_t i = 0; i < table->high; i++) {
		if (table->entries[i].type != LOCKS_NONE && table->entries[i].file == file)
			entry_drop(table, &table->entries[i]);
	}
}
