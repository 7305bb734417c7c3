// SPDX-License-Identifier: MIT
//
// A table of locks on files: those of fcntl(2), on ranges of bytes, and of flock(2), on all of a
// file. The two kinds do not see each other. Nobody waits in it: who does not get a lock asks
// again.
//
// The entries are the caller's memory, which may outlive its process: each change of what the table
// says is one store. Between two of them an owner has at least the locks that it had before or has
// after, so nobody else gets what is not free; the same request, made once more, ends what was
// begun.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The last byte that a lock can have (OFF_MAX).
#define LOCKS_END ((uint64_t)INT64_MAX)

enum lock_type { LOCKS_NONE = 0, LOCKS_READ, LOCKS_WRITE };

// Whose lock, and on what.
struct lock {
	uint64_t file;
	uint64_t owner;       // of those of the session
	uint64_t start, end;  // bytes, both included; of flock(2): 0, LOCKS_END
	uint32_t session;
	uint32_t pid;    // what the owner said
	uint32_t flock;  // 1: of flock(2); 0: of fcntl(2)
	uint32_t type;   // enum lock_type; of an entry, LOCKS_NONE: it is free
};

struct lock_table {
	struct lock *entries;
	uint32_t capacity;
	uint32_t max_of_session;  // entries
	// Private.
	uint32_t high;  // entries from here on are free
};

enum locks_result { LOCKS_DONE = 0, LOCKS_HELD, LOCKS_FULL };

// Takes up what `entries` has: nothing, if it is zeroed.
void locks_init(struct lock_table *table, struct lock *entries, uint32_t capacity,
                uint32_t max_of_session);
// The request's owner has its type of lock on its range from now on, whatever it had there; with
// LOCKS_NONE, none. LOCKS_HELD: another has a lock against it. LOCKS_FULL: there is no entry for
// it, or the session has its share: it leaves at least as many to the others as it has itself.
// Nothing is changed then.
enum locks_result locks_set(struct lock_table *table, const struct lock *request);
// What locks_set would return. Changes nothing.
enum locks_result locks_check(const struct lock_table *table, const struct lock *request);
// A lock of another owner that the request is against. NULL: it could be had.
const struct lock *locks_find(const struct lock_table *table, const struct lock *request);
// The strongest lock of the kind that anybody has on the file.
enum lock_type locks_strongest(const struct lock_table *table, uint64_t file, bool flock);
// Narrows [*start, *end] to the first part of it on which nobody has a lock of the kind. Returns
// false when there is none.
bool locks_gap(const struct lock_table *table, uint64_t file, bool flock, uint64_t *start,
               uint64_t *end);
// Ends all locks of a session, or of a file.
void locks_drop_session(struct lock_table *table, uint32_t session);
void locks_drop_file(struct lock_table *table, uint64_t file);
