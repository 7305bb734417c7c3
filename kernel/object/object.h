// SPDX-License-Identifier: MIT
//
// What every kernel object begins with. Two counts: `refs` keeps the memory alive (kernel pointers
// and handles); `handles` counts the handles that name it, in tables and in queued messages. At the
// last handle an object may close (a channel end does), at the last reference it is destroyed. Both
// happen from a per-hart deferred list, in a loop and never recursively, so that a long chain of
// objects that hold each other costs no stack.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/sched/spinlock.h"
#include "libs/abi/app.h"
#include "libs/abi/error.h"
#include "libs/abi/handle.h"
#include "libs/base/list.h"

struct object;
struct account;

struct object_ops {
	enum object_type type;
	rights_t rights;  // of a fresh handle

	// READY_* bits. Called with the poll lock held; may take the object's own lock. NULL:
	// cannot be polled.
	uint32_t (*readiness)(struct object *object);
	// The last handle is gone; no lock is held. May be called more than once. May be NULL.
	void (*last_handle)(struct object *object);
	// A handle is gone, but not the last; no lock is held. May be NULL.
	void (*handle_dropped)(struct object *object);
	// The last reference is gone: frees the object. No lock is held.
	void (*destroy)(struct object *object);
};

struct object {
	const struct object_ops *ops;
	uint32_t refs;     // atomic
	uint32_t handles;  // atomic; each counts as a reference too

	// Set while `watchers` is not empty; written with the poll lock held before readiness is
	// asked for, read by notifiers inside the object's own lock: so no notification is lost
	// (poll.h).
	bool watched;
	uint8_t type;  // enum object_type, as ops has it
	bool stays;    // its only handle may be neither sent nor duplicated (folio.h); atomic

	// 1: is in a deferred list to be closed, which holds a reference; atomic
	uint32_t deferred;
	struct list watchers;  // struct poll_entry; guarded by the poll lock
	struct object *deferred_next;
	struct account *account;  // charged for this object; NULL: nobody
	uint32_t account_size;
};

// Kernel memory and folio bytes of a process. It outlives the process while anything is charged to
// it.
struct account {
	uint64_t kernel_used;  // bytes, atomic; one more than charged while the process lives
	uint64_t kernel_limit;
	uint64_t folio_used;  // bytes, atomic
	uint64_t folio_limit;
	char name[APP_NAME_MAX];  // the process's
};

// Kernel memory that a process may use (objects, queued messages, handle table): as much as its
// memory limit, but at least this.
#define KERNEL_MEMORY_MIN (4ul * 1024 * 1024)

// Errors: ERR_NO_MEMORY (NULL).
struct account *account_create(const char *name, uint64_t kernel_limit, uint64_t folio_limit);
// What the last account_uncharge does.
void account_free(struct account *account);
// The owner lets go.
void account_release(struct account *account);
// Charges or gives back kernel memory. `account` NULL: always succeeds. Errors: ERR_LIMIT.
static inline __must_check error_t account_charge(struct account *account, uint64_t bytes)
{
	if (account == NULL)
		return 0;
	if (bytes > account->kernel_limit)  // the sum might wrap around
		return ERR_LIMIT;
	if (__atomic_add_fetch(&account->kernel_used, bytes, __ATOMIC_RELAXED) >
	    account->kernel_limit) {
		__atomic_sub_fetch(&account->kernel_used, bytes, __ATOMIC_RELAXED);
		return ERR_LIMIT;
	}
	return 0;
}
// The same for a process's account and far less bytes than any limit.
static inline __must_check error_t account_charge_little(struct account *account, uint64_t bytes)
{
	if (__builtin_expect(__atomic_fetch_add(&account->kernel_used, bytes, __ATOMIC_RELAXED) >
	                             account->kernel_limit - bytes,
	                     0)) {
		__atomic_sub_fetch(&account->kernel_used, bytes, __ATOMIC_RELAXED);
		return ERR_LIMIT;
	}
	return 0;
}
static inline void account_uncharge(struct account *account, uint64_t bytes)
{
	if (account == NULL || bytes == 0)
		return;
	if (__atomic_sub_fetch(&account->kernel_used, bytes, __ATOMIC_ACQ_REL) == 0)
		account_free(account);
}
// The same for folio bytes.
__must_check error_t account_charge_folio(struct account *account, uint64_t bytes);
void account_uncharge_folio(struct account *account, uint64_t bytes);

// A zeroed object of `size` bytes whose struct object is at its start, with one reference, charged
// to `account` (NULL: to nobody). Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t object_alloc(const struct object_ops *ops, size_t size,
                                  struct account *account, void *out);
// For objects in memory of their own making: one reference.
void object_init(struct object *object, const struct object_ops *ops);
// For objects in memory of their own making, at the end of destroy(): it counts no longer.
void object_forget(struct object *object);
// Gives back the memory of an object_alloc'ed object; what destroy() ends with.
void object_free(struct object *object);

static inline void object_get(struct object *object)
{
	__atomic_fetch_add(&object->refs, 1, __ATOMIC_RELAXED);
}
// What the last object_put does: the object is destroyed, now or by who is destroying objects on
// this hart already.
void object_unreferenced(struct object *object);
// Drops a reference. No lock may be held. NULL is fine.
static inline void object_put(struct object *object)
{
	if (object != NULL && __atomic_fetch_sub(&object->refs, 1, __ATOMIC_ACQ_REL) == 1)
		object_unreferenced(object);
}

// Counts one more handle (and reference).
static inline void object_handle_get(struct object *object)
{
	__atomic_fetch_add(&object->handles, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&object->refs, 1, __ATOMIC_RELAXED);
}
// Drops a handle and its reference. No lock may be held.
void object_handle_put(struct object *object);

// Live objects of all types.
uint64_t object_count(void);

// Has the object's last_handle() called from the deferred list. Consumes a reference. No lock may
// be held.
void object_close(struct object *object);

// Wakes what polls the object for the READY_* bits that it may have become ready for. Called after
// the object's own lock is released, by who saw object->watched set inside it. May be called in
// interrupts. Takes the poll lock.
void object_notify(struct object *object, uint32_t ready);
