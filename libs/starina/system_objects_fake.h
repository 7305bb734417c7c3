// SPDX-License-Identifier: MIT
//
// What the files of the fake kernel share: its objects and the table of handles.
#pragma once

#include "libs/starina/system_fake.h"

#define FAKE_MAX_HANDLES 4096u
#define FAKE_QUEUED_MAX CHANNEL_MAX_QUEUED
enum fake_kind { FREE, FOLIO, CHANNEL, POLL, TIMER, EVENT, SERVICE, CONNECTOR };

struct fake_object {
	enum fake_kind kind;
	unsigned refs;
	// Folio.
	uint8_t *bytes;
	size_t size;
	uint8_t *frozen;  // how it was when it was duplicated, and stays; NULL: it was not
	// A channel's end: its peer, NULL when that is gone, and what waits here. A service:
	// channels that wait, as messages.
	struct fake_object *peer;
	struct message *queue;
	size_t queued;
	char maker[APP_NAME_MAX];  // of a channel
	// Timer, event.
	nsec_t deadline;
	uint64_t count;
};

struct fake_slot {
	struct fake_object *object;  // NULL: free
	rights_t rights;
	uint32_t generation;
	bool travels;  // it is in a message

	// Its entry in a poll.
	handle_t poll;  // HANDLE_NONE: it is in none
	uint32_t interest;
	uint64_t cookie;
	// Its entry in another one, which is back when the poll that it is in is closed.
	handle_t other_poll;
	uint32_t other_interest;
	uint64_t other_cookie;
};

extern struct fake_slot fake_slots[FAKE_MAX_HANDLES];
// No slot from here on has been in use.
extern size_t fake_slots_used;

// The bytes of random_get, the next time, and whether they are others each time.
extern uint8_t fake_random;
extern bool fake_random_counts;

// A fresh object, and a handle with all rights to one.
struct fake_object *fake_object_make(enum fake_kind kind);
handle_t fake_handle_make(struct fake_object *object);
// NULL: the handle is not the caller's.
struct fake_slot *fake_slot_of(handle_t h);
// Aborts if the handle is not the caller's, or is of another kind.
struct fake_object *fake_object_of(handle_t h, enum fake_kind kind);
// The same, of a handle that somebody else gave and that may name anything: ERR_WRONG_TYPE.
error_t fake_object_get(handle_t h, enum fake_kind kind, struct fake_object **out);
// Whether the allocation that begins is the one that fails.
bool fake_memory_fails(void);
// The first message that waits at an end; its handles are the receiver's.
void fake_message_take(struct fake_object *end, struct message *m);
