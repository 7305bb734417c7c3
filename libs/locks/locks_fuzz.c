// SPDX-License-Identifier: MIT
//
// Any requests, against a model that has a type for each owner and byte. After each single store
// nobody may have less than before and after the request, and the same request made again on what
// is there then leads to the same end.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void look_between(void);
#define LOCKS_STORED look_between
#include "libs/locks/locks.c"  // NOLINT(bugprone-suspicious-include)

#define CAPACITY 24u
#define OF_SESSION 16u
#define OWNERS 4u  // two of each of two sessions
#define KINDS 4u   // two files, each with both kinds
#define BYTES 24u
#define MAX_STORES 64u

struct model {
	uint8_t types[OWNERS][KINDS][BYTES];
};

static struct lock entries[CAPACITY];  // that the table under test has
static struct lock between[MAX_STORES][CAPACITY];
static unsigned num_between;

static void look_between(void)
{
	if (num_between == MAX_STORES)
		abort();
	memcpy(between[num_between++], entries, sizeof(entries));
}

static unsigned owner_of(const struct lock *lock)
{
	return (unsigned)(lock->session * 2 + lock->owner);
}

static unsigned kind_of(const struct lock *lock)
{
	return (unsigned)(lock->file * 2 + lock->flock);
}

// What entries say, as a model: of several locks of an owner on a byte, the strongest.
static void read_entries(const struct lock *from, struct model *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < CAPACITY; i++) {
		const struct lock *lock = &from[i];

		if (lock->type == LOCKS_NONE)
			continue;
		if (lock->start > lock->end || lock->end >= BYTES)
			abort();
		for (uint64_t at = lock->start; at <= lock->end; at++) {
			uint8_t *type = &out->types[owner_of(lock)][kind_of(lock)][at];

			if (*type < lock->type)
				*type = (uint8_t)lock->type;
		}
	}
}

static bool is_held(const struct model *m, const struct lock *lock)
{
	for (unsigned owner = 0; owner < OWNERS; owner++) {
		for (uint64_t at = lock->start; at <= lock->end && owner != owner_of(lock); at++) {
			uint8_t type = m->types[owner][kind_of(lock)][at];

			if (type != LOCKS_NONE &&
			    (type == LOCKS_WRITE || lock->type == LOCKS_WRITE))
				return true;
		}
	}
	return false;
}

static void check_between(const struct model *before, const struct model *after,
                          const struct lock *lock)
{
	const unsigned stores = num_between;
	struct lock copy[CAPACITY];
	struct model now;

	for (unsigned i = 0; i < stores; i++) {
		const uint8_t *was = (const uint8_t *)before, *will = (const uint8_t *)after;
		const uint8_t *is = (const uint8_t *)&now;
		struct lock_table table;

		memcpy(copy, between[i], sizeof(copy));
		read_entries(copy, &now);
		for (unsigned k = 0; k < sizeof(now); k++) {
			uint8_t least = was[k] < will[k] ? was[k] : will[k];

			if (is[k] < least)
				abort();
		}
		num_between = 0;
		locks_init(&table, copy, CAPACITY, OF_SESSION);
		if (locks_set(&table, lock) == LOCKS_DONE) {
			read_entries(copy, &now);
			if (memcmp(&now, after, sizeof(now)) != 0)
				abort();
		}
	}
}

static void check_gap(const struct lock_table *table, const struct model *m,
                      const struct lock *lock)
{
	uint64_t start = lock->start, end = lock->end, from = lock->start;
	bool found = locks_gap(table, lock->file, lock->flock != 0, &start, &end);
	uint8_t taken[BYTES + 1] = { 0 };

	for (unsigned owner = 0; owner < OWNERS; owner++) {
		for (unsigned at = 0; at < BYTES; at++)
			taken[at] |= m->types[owner][kind_of(lock)][at];
	}
	while (from <= lock->end && taken[from] != 0)
		from++;
	if (found != (from <= lock->end))
		abort();
	for (uint64_t at = start; found && at <= end; at++) {
		if (taken[at] != 0)
			abort();
	}
	if (found && (start != from || (end < lock->end && taken[end + 1] == 0)))
		abort();
}

static void request(struct lock_table *table, struct model *m, const uint8_t *bytes)
{
	struct lock lock = { .session = bytes[0] & 1,
		             .owner = bytes[0] >> 1 & 1,
		             .file = bytes[0] >> 2 & 1,
		             .flock = bytes[0] >> 3 & 1,
		             .type = (bytes[0] >> 4) % 3,
		             .start = bytes[1] % BYTES,
		             .end = bytes[2] % BYTES };
	struct model before = *m, now;
	enum locks_result result;

	if (lock.start > lock.end)
		lock.start = lock.end;
	num_between = 0;
	result = locks_set(table, &lock);
	if ((result == LOCKS_HELD) != (lock.type != LOCKS_NONE && is_held(m, &lock)))
		abort();
	if (result == LOCKS_DONE)
		memset(&m->types[owner_of(&lock)][kind_of(&lock)][lock.start], (int)lock.type,
		       lock.end - lock.start + 1);
	else if (num_between > 0)
		abort();
	read_entries(entries, &now);
	if (memcmp(&now, m, sizeof(now)) != 0)
		abort();
	check_gap(table, m, &lock);
	check_between(&before, m, &lock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lock_table table;
	struct model model = { 0 };

	memset(entries, 0, sizeof(entries));
	locks_init(&table, entries, CAPACITY, OF_SESSION);
	for (; size >= 3; data += 3, size -= 3) {
		if ((data[0] & 0xf0) == 0xf0) {
			locks_drop_session(&table, data[0] & 1);
			memset(model.types[2 * (data[0] & 1)], 0, 2 * sizeof(model.types[0]));
		} else {
			request(&table, &model, data);
		}
	}
	return 0;
}
