// SPDX-License-Identifier: MIT
#include "kernel/object/poll.h"

#include "kernel/arch/arch.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/poll_private.h"

// Polls that a nesting check looks at, at most: more is ERR_LIMIT.
#define NESTING_BUDGET 256u

struct spinlock poll_lock = { .rank = LOCK_RANK_POLL };

// At most POLL_MAX_DEPTH deep. An entry that is in the ready list already may have been seen not
// ready since by somebody who waits.
static void mark_locked(struct poll_entry *entry)
{
	struct poll *poll = entry->poll;

	if (list_is_empty(&entry->by_ready))
		list_push_back(&poll->ready, &entry->by_ready);
	wait_queue_wake_all(&poll->waiters);
	list_for_each(pos, &poll->listeners) {
		struct poll_listener *listener = container_of(pos, struct poll_listener, entry);

		listener->notify(listener);
	}
	poll_mark_watchers_locked(&poll->object, READY_READABLE);
}

void poll_mark_watchers_locked(struct object *object, uint32_t ready)
{
	list_for_each(pos, &object->watchers) {
		struct poll_entry *entry = container_of(pos, struct poll_entry, by_object);

		if ((entry->interest & ready) != 0)
			mark_locked(entry);
	}
}

void object_notify(struct object *object, uint32_t ready)
{
	spin_lock(&poll_lock);
	poll_mark_watchers_locked(object, ready);
	spin_unlock(&poll_lock);
}

// Whether an entry is ready; drops from the front of the ready list those that are not.
static bool is_ready_locked(struct poll *poll)
{
	while (!list_is_empty(&poll->ready)) {
		struct poll_entry *entry =
			container_of(poll->ready.next, struct poll_entry, by_ready);

		if (poll_entry_ready(entry) != 0)
			return true;
		list_remove(&entry->by_ready);
	}
	return false;
}

static uint32_t poll_readiness(struct object *object)
{
	return is_ready_locked(poll_from_object(object)) ? READY_READABLE : 0;
}

static void remove_locked(struct poll_entry *entry)
{
	// It does not see that list_remove takes entries out.
	// NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
	struct object *object = entry->object;

	list_remove(&entry->by_object);
	list_remove(&entry->by_poll);
	list_remove(&entry->by_ready);
	if (list_is_empty(&object->watchers))
		object->watched = false;
}

static void entry_free(struct poll_entry *entry)
{
	struct account *account = entry->account;  // NOLINT(clang-analyzer-unix.Malloc): as above

	kfree(entry);
	account_uncharge(account, sizeof(*entry));
}

static void poll_destroy(struct object *object)
{
	struct poll *poll = poll_from_object(object);
	struct list *pos;

	for (;;) {
		spin_lock(&poll_lock);
		pos = poll->entries.next;
		if (pos != &poll->entries)
			remove_locked(container_of(pos, struct poll_entry, by_poll));
		spin_unlock(&poll_lock);
		if (pos == &poll->entries)
			break;
		entry_free(container_of(pos, struct poll_entry, by_poll));
	}
	object_free(object);
}

static const struct object_ops poll_ops = {
	.type = OBJECT_POLL,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = poll_readiness,
	.destroy = poll_destroy,
};

error_t poll_object_create(struct account *account, struct poll **out)
{
	struct poll *poll;
	error_t error = object_alloc(&poll_ops, sizeof(*poll), account, &poll);

	if (error != 0)
		return error;
	list_init(&poll->entries);
	list_init(&poll->ready);
	list_init(&poll->listeners);
	wait_queue_init(&poll->waiters);
	*out = poll;
	return 0;
}

static bool is_poll(const struct object *object)
{
	return object->ops == &poll_ops;
}

// --- Nesting ---

// The height of the tree of polls below `poll`, itself included. Recursion is as deep as polls
// nest.
static uint32_t depth_below(struct poll *poll, uint32_t *budget)
{
	uint32_t deepest = 0;

	list_for_each(pos, &poll->entries) {
		struct object *object = container_of(pos, struct poll_entry, by_poll)->object;
		uint32_t depth;

		if (!is_poll(object))
			continue;
		if (*budget == 0)
			break;
		(*budget)--;
		depth = depth_below(poll_from_object(object), budget);
		if (depth > deepest)
			deepest = depth;
	}
	return deepest + 1;
}

// The height of the tree of polls above `poll`, itself included; sets `*found` when `wanted` is in
// it.
static uint32_t depth_above(struct poll *poll, const struct poll *wanted, bool *found,
                            uint32_t *budget)
{
	uint32_t highest = 0;

	if (poll == wanted)
		*found = true;
	list_for_each(pos, &poll->object.watchers) {
		uint32_t depth;

		if (*budget == 0)
			break;
		(*budget)--;
		depth = depth_above(container_of(pos, struct poll_entry, by_object)->poll, wanted,
		                    found, budget);
		if (depth > highest)
			highest = depth;
	}
	return highest + 1;
}

static error_t check_nesting_locked(struct poll *outer, struct poll *inner)
{
	uint32_t budget = NESTING_BUDGET;
	bool cycle = false;
	uint32_t depth = depth_above(outer, inner, &cycle, &budget);

	if (cycle)
		return ERR_CYCLE;
	depth += depth_below(inner, &budget);
	if (budget == 0)
		return ERR_LIMIT;
	return depth > POLL_MAX_DEPTH ? ERR_RANGE : 0;
}

// --- Entries ---

static struct poll_entry *find_locked(const struct poll *poll, const struct handle_table *table,
                                      handle_t handle, struct object *object)
{
	list_for_each(pos, &object->watchers) {
		struct poll_entry *entry = container_of(pos, struct poll_entry, by_object);

		if (entry->poll == poll && entry->table == table && entry->handle == handle)
			return entry;
	}
	return NULL;
}

// Asks the object anew after a change of the entry.
static void refresh_locked(struct poll_entry *entry)
{
	if ((entry->object->ops->readiness(entry->object) & entry->interest) != 0)
		mark_locked(entry);
}

// The slot of a handle that may be polled, with the table's lock held.
static error_t slot_of_locked(struct handle_table *table, handle_t handle,
                              const struct handle_slot **out)
{
	const struct handle_slot *slot = handle_slot_locked(table, handle);

	if (slot == NULL)
		return ERR_BAD_HANDLE;
	if (slot->object->ops->readiness == NULL)
		return ERR_WRONG_TYPE;
	if ((slot->rights & RIGHT_POLL) == 0)
		return ERR_ACCESS;
	*out = slot;
	return 0;
}

static void set_interest_locked(struct poll_entry *entry, uint32_t interest)
{
	entry->interest = interest;
	entry->recv_table = entry->may_recv && (interest & READY_READABLE) != 0 ? entry->table
										: NULL;
}

static error_t insert_locked(struct poll *poll, struct poll_entry *entry, struct object *object)
{
	if (find_locked(poll, entry->table, entry->handle, object) != NULL)
		return ERR_EXISTS;
	if (is_poll(object)) {
		error_t error = check_nesting_locked(poll, poll_from_object(object));

		if (error != 0)
			return error;
	}
	entry->object = object;
	list_push_back(&object->watchers, &entry->by_object);
	list_push_back(&poll->entries, &entry->by_poll);
	object->watched = true;  // from here on notifiers come; what happened before, refresh sees
	refresh_locked(entry);
	return 0;
}

// The handle cannot be closed meanwhile (its table's lock is held throughout), so that the entry
// cannot outlive it.
error_t poll_entry_add(struct poll *poll, struct handle_table *table, handle_t handle,
                       uint32_t interest, uint64_t cookie, struct account *account)
{
	struct poll_entry *entry;
	const struct handle_slot *slot;
	error_t error = account_charge(account, sizeof(*entry));

	if (error != 0)
		return error;
	entry = kmalloc(sizeof(*entry));
	if (entry == NULL) {
		account_uncharge(account, sizeof(*entry));
		return ERR_NO_MEMORY;
	}
	list_init(&entry->by_object);
	list_init(&entry->by_poll);
	list_init(&entry->by_ready);
	entry->poll = poll;
	entry->table = table;
	entry->handle = handle;
	entry->cookie = cookie;
	entry->account = account;

	spin_lock(&table->lock);
	error = slot_of_locked(table, handle, &slot);
	if (error == 0) {
		entry->may_recv = slot->object->type == OBJECT_CHANNEL &&
			(slot->rights & RIGHT_READ) != 0;
		set_interest_locked(entry, interest);
		spin_lock(&poll_lock);
		error = insert_locked(poll, entry, slot->object);
		spin_unlock(&poll_lock);
	}
	spin_unlock(&table->lock);
	if (error != 0)
		entry_free(entry);
	return error;
}

error_t poll_entry_update(struct poll *poll, struct handle_table *table, handle_t handle,
                          uint32_t interest, uint64_t cookie)
{
	const struct handle_slot *slot;
	error_t error;

	spin_lock(&table->lock);
	error = slot_of_locked(table, handle, &slot);
	if (error == 0) {
		struct poll_entry *entry;

		spin_lock(&poll_lock);
		entry = find_locked(poll, table, handle, slot->object);
		if (entry != NULL) {
			set_interest_locked(entry, interest);
			entry->cookie = cookie;
			refresh_locked(entry);
		} else {
			error = ERR_NOT_FOUND;
		}
		spin_unlock(&poll_lock);
	}
	spin_unlock(&table->lock);
	return error;
}

error_t poll_entry_remove(struct poll *poll, struct handle_table *table, handle_t handle)
{
	struct poll_entry *entry = NULL;
	const struct handle_slot *slot;
	error_t error;

	spin_lock(&table->lock);
	error = slot_of_locked(table, handle, &slot);
	if (error == 0) {
		spin_lock(&poll_lock);
		entry = find_locked(poll, table, handle, slot->object);
		if (entry != NULL)
			remove_locked(entry);
		else
			error = ERR_NOT_FOUND;
		spin_unlock(&poll_lock);
	}
	spin_unlock(&table->lock);
	if (entry != NULL)
		entry_free(entry);
	return error;
}

void poll_handle_leaves_locked(const struct handle_table *table, handle_t handle,
                               const struct object *object)
{
	list_for_each(pos, &object->watchers) {
		struct poll_entry *entry = container_of(pos, struct poll_entry, by_object);

		if (entry->table == table && entry->handle == handle)
			entry->recv_table = NULL;
	}
}

void poll_handle_leaves(const struct handle_table *table, handle_t handle,
                        const struct object *object)
{
	spin_lock(&poll_lock);
	poll_handle_leaves_locked(table, handle, object);
	spin_unlock(&poll_lock);
}

void poll_handle_gone(const struct handle_table *table, handle_t handle, struct object *object)
{
	struct list gone;
	struct list *pos;

	list_init(&gone);
	spin_lock(&poll_lock);
	list_for_each_safe(at, &object->watchers)
	{
		struct poll_entry *entry = container_of(at, struct poll_entry, by_object);

		if (entry->table == table && entry->handle == handle) {
			remove_locked(entry);
			list_push_back(&gone, &entry->by_object);
		}
	}
	spin_unlock(&poll_lock);
	while ((pos = list_pop_front(&gone)) != NULL)
		entry_free(container_of(pos, struct poll_entry, by_object));
}

// --- Listeners ---

bool poll_listen(struct poll *poll, struct poll_listener *listener)
{
	bool ready;

	spin_lock(&poll_lock);
	list_push_back(&poll->listeners, &listener->entry);
	ready = is_ready_locked(poll);
	spin_unlock(&poll_lock);
	return ready;
}

void poll_unlisten(struct poll_listener *listener)
{
	spin_lock(&poll_lock);
	list_remove(&listener->entry);
	spin_unlock(&poll_lock);
}

bool poll_is_ready(struct poll *poll)
{
	bool ready;

	spin_lock(&poll_lock);
	ready = is_ready_locked(poll);
	spin_unlock(&poll_lock);
	return ready;
}
