// SPDX-License-Identifier: MIT
//
// Polls. One lock (rank POLL) guards all watch lists and ready lists; what it guards is short. A
// poll's ready list holds the entries that may be ready: notifiers put them there on the edge from
// not ready to ready, a wait asks each object again (so what is reported is true, level-triggered)
// and drops those that are not (a single one may stay). Neither side can miss the other: the
// notifier looks at object->watched inside the object's lock after its change, and an entry is made
// visible there before the object is asked under the same lock.
//
// A poll refers to nothing: an entry goes when the handle that it was made by goes, so polls form
// no cycles of references.
#pragma once

#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/sched/sched.h"
#include "libs/abi/poll.h"

struct channel_message;

struct poll {
	struct object object;
	struct list entries;  // all entries
	struct list ready;    // those that may be ready
	struct list listeners;
	struct wait_queue waiters;
};

struct poll_entry {
	struct list by_object;  // in object->watchers
	struct list by_poll;    // in poll->entries
	struct list by_ready;   // in poll->ready, or in no list
	struct object *object;
	struct poll *poll;
	const struct handle_table *table;  // the handle that it was made by
	handle_t handle;
	bool may_recv;  // it is a channel's, with the right to receive

	// `table` as long as its messages may be taken along with its events (poll_recv), else
	// NULL.
	const struct handle_table *recv_table;
	uint32_t interest;
	uint64_t cookie;
	struct account *account;
};

// Kernel code that wants to hear when a poll becomes ready (a vCPU).
struct poll_listener {
	struct list entry;
	// Called with the poll lock held each time that an entry becomes ready; takes locks of
	// higher rank at most.
	void (*notify)(struct poll_listener *listener);
};

// Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t poll_object_create(struct account *account, struct poll **out);
// As the calls of libs/starina/syscall.h; `table` holds `handle`.
__must_check error_t poll_entry_add(struct poll *poll, struct handle_table *table, handle_t handle,
                                    uint32_t interest, uint64_t cookie, struct account *account);
__must_check error_t poll_entry_update(struct poll *poll, struct handle_table *table,
                                       handle_t handle, uint32_t interest, uint64_t cookie);
__must_check error_t poll_entry_remove(struct poll *poll, struct handle_table *table,
                                       handle_t handle);
// What poll_recv takes along with the first event of a wait.
struct poll_received {
	struct handle_table *table;  // in: the caller's

	// Out: the message, of which nothing but to write it to the app and free it is left. NULL:
	// none.
	struct channel_message *message;
	handle_t handle;  // out: its channel
};
// Blocks. `received` NULL: messages are not taken. Errors: ERR_TIMED_OUT, ERR_BAD_STATE (the
// process is ending).
__must_check error_t poll_object_wait(struct poll *poll, struct poll_event *events, size_t max,
                                      nsec_t deadline, size_t *num_events,
                                      struct poll_received *received);
// From now on, with the poll lock held, nobody is given messages by an entry of this handle, which
// is being sent away.
void poll_handle_leaves_locked(const struct handle_table *table, handle_t handle,
                               const struct object *object);
// The same, and takes the poll lock itself.
void poll_handle_leaves(const struct handle_table *table, handle_t handle,
                        const struct object *object);
// Removes the entries that were made by this handle; part of closing it.
void poll_handle_gone(const struct handle_table *table, handle_t handle, struct object *object);

// Adds a listener (its storage is the caller's, who keeps a reference to the poll) and says whether
// the poll is ready now. When it is not, `notify` is called once it is.
bool poll_listen(struct poll *poll, struct poll_listener *listener);
void poll_unlisten(struct poll_listener *listener);
bool poll_is_ready(struct poll *poll);

static inline struct poll *poll_from_object(struct object *object)
{
	return container_of(object, struct poll, object);
}
