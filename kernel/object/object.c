// SPDX-License-Identifier: MIT
#include "kernel/object/object.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/sched/sched.h"
#include "libs/base/string.h"

// What is to be closed or destroyed on this hart. Interrupts are off, so it needs no lock.
static struct {
	struct object *first;
	bool draining;
} deferred[MAX_HARTS];

static uint64_t num_objects;

uint64_t object_count(void)
{
	return __atomic_load_n(&num_objects, __ATOMIC_RELAXED);
}

void object_init(struct object *object, const struct object_ops *ops)
{
	object->ops = ops;
	object->refs = 1;
	object->handles = 0;
	object->watched = false;
	object->type = (uint8_t)ops->type;
	object->deferred = 0;
	list_init(&object->watchers);
	object->deferred_next = NULL;
	object->account = NULL;
	object->account_size = 0;
	__atomic_fetch_add(&num_objects, 1, __ATOMIC_RELAXED);
}

error_t object_alloc(const struct object_ops *ops, size_t size, struct account *account, void *out)
{
	error_t error = account_charge(account, size);
	struct object *object;
	void *made;

	if (error != 0)
		return error;
	object = kmalloc(size);
	if (object == NULL) {
		account_uncharge(account, size);
		return ERR_NO_MEMORY;
	}
	object_init(object, ops);
	object->account = account;
	object->account_size = (uint32_t)size;
	made = object;
	// `out` points to a pointer to what the object is the first member of: the same address,
	// but not the same type.
	memcpy(out, &made, sizeof(made));
	return 0;
}

void object_forget(struct object *object)
{
	kassert(object->refs == 0 && list_is_empty(&object->watchers));
	__atomic_fetch_sub(&num_objects, 1, __ATOMIC_RELAXED);
}

void object_free(struct object *object)
{
	struct account *account = object->account;
	uint32_t size = object->account_size;

	object_forget(object);
	kfree(object);
	account_uncharge(account, size);
}

// An object without references is destroyed; one with references is here to be closed, and one of
// them is the list's.
static void drain(uint32_t hart)
{
	deferred[hart].draining = true;
	while (deferred[hart].first != NULL) {
		struct object *object = deferred[hart].first;

		deferred[hart].first = object->deferred_next;
		if (__atomic_load_n(&object->refs, __ATOMIC_ACQUIRE) == 0) {
			object->ops->destroy(object);
			continue;
		}
		__atomic_store_n(&object->deferred, 0u, __ATOMIC_SEQ_CST);
		object->ops->last_handle(object);
		object_put(object);
	}
	deferred[hart].draining = false;
}

static void defer(struct object *object)
{
	uint32_t hart = arch_this_hart()->id;

	object->deferred_next = deferred[hart].first;
	deferred[hart].first = object;
	if (!deferred[hart].draining)
		drain(hart);
}

void object_unreferenced(struct object *object)
{
	defer(object);
}

void object_close(struct object *object)
{
	if (__atomic_exchange_n(&object->deferred, 1u, __ATOMIC_SEQ_CST) != 0)
		object_put(object);  // it is in a list already, with a reference
	else
		defer(object);
}

void object_handle_put(struct object *object)
{
	if (__atomic_fetch_sub(&object->handles, 1, __ATOMIC_SEQ_CST) == 1) {
		if (object->ops->last_handle != NULL) {
			object_close(object);
			return;
		}
	} else if (object->ops->handle_dropped != NULL) {
		object->ops->handle_dropped(object);
	}
	object_put(object);
}
