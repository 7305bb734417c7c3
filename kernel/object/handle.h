// SPDX-License-Identifier: MIT
//
// A process's handle table. A handle is an index (16 bits) and a generation (15 bits): a stale
// handle is ERR_BAD_HANDLE, not somebody else's object.
#pragma once

#include "kernel/object/object.h"
#include "kernel/sched/spinlock.h"
#include "libs/abi/error.h"
#include "libs/abi/handle.h"

struct space;

#define HANDLE_LIMIT_MAX 65535u
#define HANDLE_INDEX_BITS 16
#define HANDLE_INDEX_MASK 0xffffu
#define HANDLE_GENERATION_MAX 0x7fffu

struct handle_slot {
	struct object *object;  // NULL: free
	uint16_t rights;
	uint16_t generation;
	union {
		uint32_t next_free;
		uint32_t mapped;  // PROT_* bits that the folio is mapped with through this handle
	};
};
_Static_assert(sizeof(struct handle_slot) == 16, "found by a shift");

struct handle_table {
	struct spinlock lock;
	struct handle_slot *slots;  // slot 0 is never used
	uint32_t capacity;
	uint32_t free_list;
	uint32_t limit;
	uint32_t used;
	uint32_t reserved;  // slots promised by handle_reserve
	struct account *account;
	struct space *space;  // of a user-mode process, which loses what it sends; NULL
};

// Errors: ERR_NO_MEMORY.
__must_check error_t handle_table_init(struct handle_table *table, uint32_t limit,
                                       struct account *account);
// Closes all handles and frees the table.
void handle_table_deinit(struct handle_table *table);

// The object of `handle`, with a reference (object_put it). `type` OBJECT_NONE: any.
// Errors: ERR_BAD_HANDLE, ERR_WRONG_TYPE, ERR_ACCESS.
__must_check error_t handle_lookup(struct handle_table *table, handle_t handle,
                                   enum object_type type, rights_t rights, struct object **out);
// A handle to `object` (counts a handle; the caller keeps its reference). Errors: ERR_LIMIT,
// ERR_NO_MEMORY.
__must_check error_t handle_insert(struct handle_table *table, struct object *object,
                                   rights_t rights, handle_t *out);
// Errors: ERR_BAD_HANDLE.
error_t handle_table_close(struct handle_table *table, handle_t handle);
// A folio is read-only from then on. Errors: ERR_BAD_HANDLE, ERR_ACCESS, ERR_LIMIT, ERR_NO_MEMORY,
// ERR_BAD_STATE (a folio that a guest has).
__must_check error_t handle_table_duplicate(struct handle_table *table, handle_t handle,
                                            rights_t rights, handle_t *out);

// Takes a handle out of the table for another place to have it: `*out` is still counted as one.
// `may` (NULL: any may) says whether an object of that kind may go there. Errors: ERR_BAD_HANDLE,
// ERR_WRONG_TYPE, ERR_ACCESS (TRANSFER), ERR_BAD_STATE (a folio that a guest has).
__must_check error_t handle_leave(struct handle_table *table, handle_t handle,
                                  bool (*may)(const struct object *object), struct object **out,
                                  rights_t *rights);
// Room for `count` handles, so that as many handle_insert_reserved cannot fail. Errors: ERR_LIMIT,
// ERR_NO_MEMORY.
__must_check error_t handle_reserve(struct handle_table *table, uint32_t count);
void handle_unreserve(struct handle_table *table, uint32_t count);
// Takes over a handle that is already counted (one that travelled in a message).
handle_t handle_insert_reserved(struct handle_table *table, struct object *object, rights_t rights);

// The slot of a handle, with the table's lock held. NULL: no such handle.
static inline struct handle_slot *handle_slot_locked(struct handle_table *table, handle_t handle)
{
	uint32_t index = (uint32_t)handle & HANDLE_INDEX_MASK;
	struct handle_slot *slot;

	if (index >= table->capacity)
		return NULL;
	slot = &table->slots[index];
	if (slot->object == NULL || (uint32_t)handle >> HANDLE_INDEX_BITS != slot->generation)
		return NULL;
	return slot;
}
// The same of a handle that is known to be valid.
static inline struct handle_slot *handle_valid_slot_locked(struct handle_table *table,
                                                           handle_t handle)
{
	return &table->slots[(uint32_t)handle & HANDLE_INDEX_MASK];
}
static inline handle_t handle_make(uint32_t index, uint16_t generation)
{
	return (handle_t)(index | (uint32_t)generation << HANDLE_INDEX_BITS);
}
// Live handles of all tables; atomic.
extern uint64_t num_live_handles;

// Whether `count` slots are free and not promised, with the table's lock held.
static inline bool handle_has_room_locked(const struct handle_table *table, uint32_t count)
{
	uint32_t wanted = table->used + table->reserved + count;

	return wanted <= table->limit && wanted < table->capacity;
}
// Makes it so, with the table's lock held: the slots may move. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t handle_make_room_locked(struct handle_table *table, uint32_t count);
// Fills a free slot, of which there is one, with an object that is counted as a handle already. The
// table's lock is held.
static inline handle_t handle_fill_locked(struct handle_table *table, struct object *object,
                                          rights_t rights)
{
	uint32_t index = table->free_list;
	struct handle_slot *slot = &table->slots[index];

	table->free_list = slot->next_free;
	slot->object = object;
	slot->rights = (uint16_t)rights;
	slot->mapped = 0;
	table->used++;
	__atomic_fetch_add(&num_live_handles, 1, __ATOMIC_RELAXED);
	return handle_make(index, slot->generation);
}
// Empties the slot of a valid handle, with the table's lock held, and returns its object, still
// counted as a handle. It maps nothing (handle_unmap_locked).
static inline struct object *handle_take_locked(struct handle_table *table, handle_t handle)
{
	struct handle_slot *slot = handle_valid_slot_locked(table, handle);
	struct object *object = slot->object;

	slot->object = NULL;
	// Generation 0 is never used, so that no handle is HANDLE_NONE.
	slot->generation =
		(uint16_t)(slot->generation == HANDLE_GENERATION_MAX ? 1 : slot->generation + 1);
	slot->next_free = table->free_list;
	table->free_list = (uint32_t)handle & HANDLE_INDEX_MASK;
	table->used--;
	__atomic_fetch_sub(&num_live_handles, 1, __ATOMIC_RELAXED);
	return object;
}
// Whether its process sees a folio through the handle, in an address space of its own.
static inline bool handle_maps(const struct handle_table *table, const struct handle_slot *slot)
{
	return slot->mapped != 0 && table->space != NULL;
}
// A handle that is there maps its folio no more, if it did. The table's lock is held.
void handle_unmap_locked(struct handle_table *table, handle_t handle);
// What is left to do once a handle was taken and the lock released: its poll entries go (even if
// the object lives on).
void handle_forget(struct handle_table *table, handle_t handle, struct object *object);

// Live handles of all tables.
uint64_t handle_count(void);
