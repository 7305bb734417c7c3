// SPDX-License-Identifier: MIT
//
// Long looks. An operation that waits for a block is run again from its beginning, so all blocks
// that it looks at have to be in memory at once; a folder may have more blocks than the cache. What
// looks at a number of blocks without a bound leaves here how far it came, and its next run goes on
// from there. Whoever changes what was looked at has it forgotten.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ext4;

enum walk_kind {
	WALK_NONE = 0,
	WALK_EMPTY,    // that blocks of a folder (subject; other: its generation) have no names
	WALK_LIST,     // that no names follow a position (other) in a folder (subject)
	WALK_OUTSIDE,  // that a folder (subject) and some above it are not another one (other)
};

struct walk {
	enum walk_kind kind;
	uint32_t subject;
	uint64_t other;
	uint32_t at;     // how far it came
	uint32_t steps;  // that this took
	uint64_t last_use;
};

// So many operations may look around at once, each of them with an end.
#define NUM_WALKS 32u
// Blocks that an operation looks at before it uses a walk: what is short keeps none from others.
#define WALK_SHORT 64u

struct walks {
	struct walk walks[NUM_WALKS];
	uint64_t uses;
};

// The walk of this kind; NULL: there is none.
struct walk *walk_find(struct ext4 *fs, enum walk_kind kind, uint32_t subject, uint64_t other);
// Notes how far it came. The one that was used least goes if there are too many.
void walk_note(struct ext4 *fs, enum walk_kind kind, uint32_t subject, uint64_t other, uint32_t at,
               uint32_t steps);
// A folder gets a name: what was found of its blocks does not hold.
void walk_names_changed(struct ext4 *fs, uint32_t dir);
// A folder moves to another one: what was found of those above does not hold.
void walk_tree_changed(struct ext4 *fs);
