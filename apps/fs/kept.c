// SPDX-License-Identifier: MIT
//
// What outlives this process: who had sessions, the last reply of each of their slots, their locks,
// and behind that the file system's redo memory. A reply is written before the update that it
// answers is committed, with that update's number: an instance that comes later knows by the number
// whether the update is there.
#include "apps/fs/fs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define KEPT_MAGIC 0x6b657074766f6c32ull
// fuse_entry_out and fuse_open_out, the longest reply of what changes something.
#define KEPT_REPLY_MAX 160u
#define SLOT_MASK (FILES_MAX_REQUESTS - 1)

struct kept_session {
	uint64_t key;  // 0: it is free
	uint32_t minor;
	uint32_t flags;
	uint32_t awaited;  // it was an instance's before, and has not come back
	uint32_t reserved;
};

struct kept_part {
	uint64_t unique;
	uint64_t update;  // 0: there is none
	struct write_part part;
};

struct kept_slot {
	uint64_t unique;
	uint64_t update;  // 0: there is no reply
	uint32_t length;
	uint32_t reserved;
	uint8_t bytes[KEPT_REPLY_MAX];
	// Of a write that is not done yet; the one before stays until the next is true.
	struct kept_part parts[2];
};

struct kept {
	uint64_t magic;
	uint64_t size;  // of this struct
	struct kept_session sessions[FS_MAX_SESSIONS];
	struct kept_slot slots[FS_MAX_SESSIONS][FILES_MAX_REQUESTS];
	struct lock locks[FS_MAX_LOCKS];
};

#define REDO_START ((sizeof(struct kept) + EXT4_BLOCK_SIZE - 1) & ~(size_t)(EXT4_BLOCK_SIZE - 1))
_Static_assert(REDO_START < FS_KEPT_BYTES / 2, "there is room for the redo memory");

// Without kept memory they are in the heap's; without that, there are none.
static void locks_begin(struct fs *fs)
{
	struct kept *kept = fs->kept;
	struct lock *entries = kept != NULL ? kept->locks
					    : heap_alloc(FS_MAX_LOCKS * sizeof(*entries));

	locks_init(&fs->locks, entries, entries != NULL ? FS_MAX_LOCKS : 0, FS_MAX_SESSION_LOCKS);
	for (uint32_t i = 0; kept != NULL && i < FS_MAX_LOCKS; i++) {
		uint32_t session = entries[i].session;

		// Of a session that cannot come back.
		if (session >= FS_MAX_SESSIONS || kept->sessions[session].key == 0)
			locks_drop_session(&fs->locks, session);
	}
}

void kept_init(struct fs *fs, void *bytes)
{
	struct kept *kept = bytes;

	fs->kept = kept;
	if (kept == NULL) {
		locks_begin(fs);
		return;
	}
	if (kept->magic != KEPT_MAGIC || kept->size != sizeof(*kept)) {
		memset(kept, 0, sizeof(*kept));
		kept->magic = KEPT_MAGIC;
		kept->size = sizeof(*kept);
	}
	for (uint32_t i = 0; i < FS_MAX_SESSIONS; i++)
		kept->sessions[i].awaited = kept->sessions[i].key != 0;
	locks_begin(fs);
}

struct ext4_redo kept_redo(const struct fs *fs)
{
	if (fs->kept == NULL)
		return (struct ext4_redo){ .bytes = NULL };
	return (struct ext4_redo){ .bytes = (uint8_t *)fs->kept + REDO_START,
		                   .size = FS_KEPT_BYTES - REDO_START };
}

void kept_mounted(struct fs *fs)
{
	uint64_t last = update_last(fs->ext4);

	for (uint32_t i = 0; fs->kept != NULL && i < FS_MAX_SESSIONS; i++) {
		for (uint32_t k = 0; k < FILES_MAX_REQUESTS; k++) {
			struct kept_slot *slot = &fs->kept->slots[i][k];

			// Its number will be another update's.
			if (slot->update > last)
				slot->update = 0;
			for (uint32_t j = 0; j < 2; j++) {
				if (slot->parts[j].update > last)
					slot->parts[j].update = 0;
			}
		}
	}
}

static void session_clear(struct fs *fs, uint32_t index)
{
	struct kept *kept = fs->kept;

	locks_drop_session(&fs->locks, index);
	kept->sessions[index].key = 0;
	memset(kept->slots[index], 0, sizeof(kept->slots[index]));
}

static uint32_t index_of(const struct kept *kept, uint64_t key)
{
	uint32_t index = 0;

	while (index < FS_MAX_SESSIONS && kept->sessions[index].key != key)
		index++;
	return index;
}

bool kept_session(struct session *session, uint64_t key)
{
	struct fs *fs = session->fs;
	struct kept_session *place;
	uint32_t index;

	if (key == 0 || session->index < FS_MAX_SESSIONS)
		return false;
	if (fs->kept == NULL)
		return true;
	index = index_of(fs->kept, key);
	if (index < FS_MAX_SESSIONS) {
		place = &fs->kept->sessions[index];
		if (!place->awaited)
			return false;
		place->awaited = 0;
		fs->num_awaited--;
		// One that was not begun has nothing.
		session->returned = place->minor != 0;
		fs->num_returned += session->returned;
		session->minor = place->minor;
		session->flags = place->flags;
	} else {
		index = index_of(fs->kept, 0);
		if (index == FS_MAX_SESSIONS)
			return false;
		fs->kept->sessions[index] = (struct kept_session){ .key = key };
	}
	session->index = index;
	return true;
}

void kept_session_init(struct session *session)
{
	struct kept *kept = session->fs->kept;

	if (kept == NULL || session->index == FS_MAX_SESSIONS)
		return;
	kept->sessions[session->index].flags = session->flags;
	kept->sessions[session->index].minor = session->minor;
}

void kept_session_end(struct session *session)
{
	if (session->fs->kept != NULL && session->index < FS_MAX_SESSIONS)
		session_clear(session->fs, session->index);
	session->index = FS_MAX_SESSIONS;
}

// The compiler must not change the order of what is written to kept memory: the process may end
// between any two instructions.
#define in_order() __asm__ volatile("" ::: "memory")

// The slot of the call's request. NULL: its session is not kept.
static struct kept_slot *slot_of(const struct call *call)
{
	const struct session *session = call->session;

	if (session == NULL || session->index == FS_MAX_SESSIONS || call->fs->kept == NULL)
		return NULL;
	return &call->fs->kept->slots[session->index][call->in.unique & SLOT_MASK];
}

void kept_reply(struct call *call)
{
	struct kept_slot *slot = slot_of(call);

	if (slot == NULL || call->out_len > KEPT_REPLY_MAX)
		return;
	slot->update = 0;
	in_order();
	slot->unique = call->in.unique;
	slot->length = call->out_len;
	memcpy(slot->bytes, call->out, call->out_len);
	in_order();
	slot->update = update_next(call->fs->ext4);
	in_order();
}

// The last part of the call's write in its slot. NULL: there is none.
static struct kept_part *last_part(struct kept_slot *slot, const struct call *call)
{
	struct kept_part *last = NULL;

	for (uint32_t i = 0; i < 2; i++) {
		struct kept_part *kept = &slot->parts[i];

		if (kept->unique == call->in.unique && kept->update != 0 &&
		    (last == NULL || kept->update > last->update))
			last = kept;
	}
	return last;
}

void kept_part(const struct call *call, uint64_t done)
{
	struct kept_slot *slot = slot_of(call);
	struct kept_part *kept;

	if (slot == NULL)
		return;
	kept = last_part(slot, call) == &slot->parts[0] ? &slot->parts[1] : &slot->parts[0];
	kept->update = 0;
	in_order();
	kept->unique = call->in.unique;
	kept->part = (struct write_part){ .offset = call->data.offset, .done = done };
	// What was done before the app died is the file's while it is done again.
	if (done < call->data.appended)
		kept->part.done = call->data.appended;
	in_order();
	kept->update = update_next(call->fs->ext4);
	in_order();
}

bool kept_part_done(const struct call *call, struct write_part *out)
{
	struct kept_slot *slot = call->session->returned ? slot_of(call) : NULL;
	const struct kept_part *kept = slot == NULL ? NULL : last_part(slot, call);

	if (kept == NULL)
		return false;
	*out = kept->part;
	return true;
}

bool kept_done(struct call *call)
{
	const struct session *session = call->session;
	const struct kept_slot *slot;

	if (!session->returned)
		return false;
	slot = &call->fs->kept->slots[session->index][call->in.unique & SLOT_MASK];
	if (slot->update == 0 || slot->unique != call->in.unique || slot->length > KEPT_REPLY_MAX)
		return false;
	call_put(call, slot->bytes, slot->length);
	return true;
}

uint32_t kept_awaited(const struct fs *fs)
{
	uint32_t num = 0;

	for (uint32_t i = 0; fs->kept != NULL && i < FS_MAX_SESSIONS; i++)
		num += fs->kept->sessions[i].awaited;
	return num;
}

void kept_forget_awaited(struct fs *fs)
{
	for (uint32_t i = 0; fs->kept != NULL && i < FS_MAX_SESSIONS; i++) {
		if (fs->kept->sessions[i].awaited)
			session_clear(fs, i);
	}
}
