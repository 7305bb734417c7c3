// SPDX-License-Identifier: MIT
#include "kernel/object/handle.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/poll.h"
#include "kernel/object/space.h"
#include "libs/base/string.h"

#define INITIAL_CAPACITY 32u

uint64_t num_live_handles;

uint64_t handle_count(void)
{
	return __atomic_load_n(&num_live_handles, __ATOMIC_RELAXED);
}

// Grows to `capacity` slots. The lock is held, or nobody else knows the table yet.
static error_t grow_locked(struct handle_table *table, uint32_t capacity)
{
	uint64_t bytes = (uint64_t)capacity * sizeof(struct handle_slot);
	uint64_t old_bytes = (uint64_t)table->capacity * sizeof(struct handle_slot);
	struct handle_slot *slots;
	error_t error = account_charge(table->account, bytes);

	if (error != 0)
		return error;
	slots = kmalloc(bytes);
	if (slots == NULL) {
		account_uncharge(table->account, bytes);
		return ERR_NO_MEMORY;
	}
	if (table->slots != NULL)
		memcpy(slots, table->slots, old_bytes);
	for (uint32_t i = capacity - 1; i >= table->capacity && i > 0; i--) {
		slots[i].generation = 1;
		slots[i].next_free = table->free_list;
		table->free_list = i;
	}
	kfree(table->slots);
	account_uncharge(table->account, old_bytes);
	table->slots = slots;
	table->capacity = capacity;
	return 0;
}

error_t handle_table_init(struct handle_table *table, uint32_t limit, struct account *account)
{
	*table = (struct handle_table){ .limit = limit, .account = account };
	if (table->limit > HANDLE_LIMIT_MAX)
		table->limit = HANDLE_LIMIT_MAX;
	spinlock_init(&table->lock, LOCK_RANK_HANDLES);
	return grow_locked(table, INITIAL_CAPACITY);
}

void handle_table_deinit(struct handle_table *table)
{
	struct handle_slot *slots;
	uint32_t capacity;

	for (uint32_t i = 1; i < table->capacity; i++) {
		if (table->slots[i].object != NULL)
			(void)handle_table_close(table, handle_make(i, table->slots[i].generation));
	}
	// Others may be looking at it.
	spin_lock(&table->lock);
	slots = table->slots;
	capacity = table->capacity;
	table->slots = NULL;
	table->capacity = 0;
	spin_unlock(&table->lock);
	kfree(slots);
	account_uncharge(table->account, (uint64_t)capacity * sizeof(struct handle_slot));
}

error_t handle_lookup(struct handle_table *table, handle_t handle, enum object_type type,
                      rights_t rights, struct object **out)
{
	const struct handle_slot *slot;
	error_t error = 0;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	if (slot == NULL) {
		error = ERR_BAD_HANDLE;
	} else if (type != OBJECT_NONE && slot->object->ops->type != type) {
		error = ERR_WRONG_TYPE;
	} else if ((slot->rights & rights) != rights) {
		error = ERR_ACCESS;
	} else {
		object_get(slot->object);
		*out = slot->object;
	}
	spin_unlock(&table->lock);
	return error;
}

error_t handle_make_room_locked(struct handle_table *table, uint32_t count)
{
	uint32_t wanted = table->used + table->reserved + count;

	if (wanted > table->limit)
		return ERR_LIMIT;
	while (wanted > table->capacity - 1) {
		uint32_t capacity = table->capacity * 2;
		error_t error;

		if (capacity > table->limit + 1)
			capacity = table->limit + 1;
		error = grow_locked(table, capacity);
		if (error != 0)
			return error;
	}
	return 0;
}

static error_t reserve_locked(struct handle_table *table, uint32_t count)
{
	error_t error = handle_make_room_locked(table, count);

	if (error == 0)
		table->reserved += count;
	return error;
}

static handle_t insert_locked(struct handle_table *table, struct object *object, rights_t rights)
{
	kassert(table->free_list != 0 && table->reserved > 0);
	table->reserved--;
	return handle_fill_locked(table, object, rights);
}

error_t handle_reserve(struct handle_table *table, uint32_t count)
{
	error_t error;

	spin_lock(&table->lock);
	error = reserve_locked(table, count);
	spin_unlock(&table->lock);
	return error;
}

void handle_unreserve(struct handle_table *table, uint32_t count)
{
	spin_lock(&table->lock);
	table->reserved -= count;
	spin_unlock(&table->lock);
}

handle_t handle_insert_reserved(struct handle_table *table, struct object *object, rights_t rights)
{
	handle_t handle;

	spin_lock(&table->lock);
	handle = insert_locked(table, object, rights);
	spin_unlock(&table->lock);
	return handle;
}

error_t handle_insert(struct handle_table *table, struct object *object, rights_t rights,
                      handle_t *out)
{
	error_t error;

	spin_lock(&table->lock);
	error = reserve_locked(table, 1);
	if (error == 0) {
		object_handle_get(object);
		*out = insert_locked(table, object, rights);
	}
	spin_unlock(&table->lock);
	return error;
}

void handle_unmap_locked(struct handle_table *table, handle_t handle)
{
	struct handle_slot *slot = handle_slot_locked(table, handle);

	if (!handle_maps(table, slot))
		return;
	space_unmap_folio(table->space, folio_from_object(slot->object));
	slot->mapped = 0;
}

void handle_forget(struct handle_table *table, handle_t handle, struct object *object)
{
	if (__atomic_load_n(&object->watched, __ATOMIC_RELAXED))
		poll_handle_gone(table, handle, object);
}

error_t handle_table_close(struct handle_table *table, handle_t handle)
{
	struct object *object = NULL;

	spin_lock(&table->lock);
	if (handle_slot_locked(table, handle) != NULL) {
		handle_unmap_locked(table, handle);
		object = handle_take_locked(table, handle);
	}
	spin_unlock(&table->lock);
	if (object == NULL)
		return ERR_BAD_HANDLE;
	handle_forget(table, handle, object);
	object_handle_put(object);
	return 0;
}

// A folio that has more than one handle is written to by nobody. The table's lock is held.
static error_t prepare_duplicate_locked(struct handle_table *table, struct handle_slot *slot)
{
	struct folio *folio;
	error_t error;

	if (slot->object->type != OBJECT_FOLIO)
		return 0;
	folio = folio_from_object(slot->object);
	error = folio_make_read_only(folio);
	if (error != 0 || (slot->mapped & PROT_WRITE) == 0)
		return error;
	slot->mapped &= ~PROT_WRITE;
	if (table->space != NULL)
		space_protect_folio(table->space, folio);
	return 0;
}

error_t handle_table_duplicate(struct handle_table *table, handle_t handle, rights_t rights,
                               handle_t *out)
{
	const struct handle_slot *slot;
	rights_t granted = rights;
	error_t error = 0;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	if (slot == NULL)
		error = ERR_BAD_HANDLE;
	else if ((slot->rights & RIGHT_DUPLICATE) == 0)
		error = ERR_ACCESS;
	else if (rights == RIGHTS_SAME)
		granted = slot->rights;
	else if ((rights & ~(rights_t)slot->rights) != 0)
		error = ERR_ACCESS;
	if (error == 0)
		error = handle_make_room_locked(table, 1);  // may move the slots
	if (error == 0)
		error = prepare_duplicate_locked(table, handle_slot_locked(table, handle));
	if (error == 0) {
		struct object *object = handle_slot_locked(table, handle)->object;

		object_handle_get(object);
		*out = handle_fill_locked(table, object, granted);
	}
	spin_unlock(&table->lock);
	return error;
}

// --- Handles that move ---

static error_t check_leave_locked(const struct handle_slot *slot,
                                  bool (*may)(const struct object *object))
{
	if (slot == NULL)
		return ERR_BAD_HANDLE;
	if (may != NULL && !may(slot->object))
		return ERR_WRONG_TYPE;
	if ((slot->rights & RIGHT_TRANSFER) == 0)
		return ERR_ACCESS;
	// As in channel_send: what a guest has stays.
	return __atomic_load_n(&slot->object->stays, __ATOMIC_ACQUIRE) ? ERR_BAD_STATE : 0;
}

error_t handle_leave(struct handle_table *table, handle_t handle,
                     bool (*may)(const struct object *object), struct object **out,
                     rights_t *rights)
{
	const struct handle_slot *slot;
	error_t error;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	error = check_leave_locked(slot, may);
	if (error == 0) {
		handle_unmap_locked(table, handle);
		*out = slot->object;
		*rights = slot->rights;
		poll_handle_leaves(table, handle, *out);
		(void)handle_take_locked(table, handle);
	}
	spin_unlock(&table->lock);
	if (error == 0)
		handle_forget(table, handle, *out);
	return error;
}
