// SPDX-License-Identifier: MIT
//
// Channels. Both ends and the lock are one allocation. Each end has the queue of what it will
// receive.
//
// Ends that travel: a handle of an end that lies in a queue keeps that end open, but may form a
// cycle that no process can reach any more (end a in the queue of b, b in the queue of a). So each
// queued handle of an end is recorded at the end (its `transit` list), with the end in whose queue
// it lies. Whenever an end loses a handle, or is sent or put back, and has no handle in a table
// left, the kernel walks from it along these records. If no end with a handle in a table is found,
// nobody will ever receive what is in these queues, and all ends walked over are closed. The walk
// is iterative, under one lock (rank TRANSIT), which plain messages do not take; it is at most as
// long as there are queued ends, which kernel memory limits bound.
#pragma once

#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "libs/abi/message.h"

struct channel;
struct channel_message;

struct channel_end {
	struct object object;
	struct channel *channel;
	struct channel_end *peer;
	// Guarded by the channel's lock.
	struct channel_message *head;
	struct channel_message *tail;
	// read without the lock too, as `closed`: poll_private.h says what such a look is worth
	uint32_t queued;
	bool closed;
	bool doomed;  // guarded by the transit lock: no process can reach it, it is being closed
	// Guarded by the transit lock.
	struct list transit;
	uint32_t num_transit;
	uint32_t walk_mark;
	struct channel_end *walk_next;
	uint32_t service;  // id of the service that it was connected by; 0: none
	uint32_t sent;     // messages from this end while somebody has them counted; atomic
	struct channel_end *doomed_next;
};

// Both ends, one reference each, no handles yet. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t channel_object_create(struct account *account, struct channel_end *out[2]);
// The name of the process that the channel is charged to, APP_NAME_MAX bytes; all 0 when it is
// charged to nobody.
const char *channel_object_maker(const struct channel_end *end);

// Sends `message` on the channel end that `handle` of `table` names, with the handles of `table`
// that its header names (channel_send.c). Consumes the message, the handles on success only. No
// lock is held. Errors: as channel_send (libs/starina/syscall.h).
error_t channel_send_on(struct handle_table *table, handle_t handle,
                        struct channel_message *message);
// Takes the oldest message; its handles are in `table` and its header names them. The caller frees
// it (it holds no objects). `*more`: another one is queued. No lock is held. Errors: as
// channel_recv.
__must_check error_t channel_recv_on(struct handle_table *table, handle_t handle,
                                     struct channel_message **out, bool *more);
// The receiver's memory was bad: a message just received on this handle goes back to where it was,
// with its handles; it is dropped if another thread has closed the handle, or sent it away,
// meanwhile. Consumes it. Returns ERR_ADDRESS.
error_t channel_unrecv_on(struct handle_table *table, handle_t handle,
                          struct channel_message *message);
// A message that was given to a thread of `table` (poll_private.h) holds objects, none of them a
// channel's end: they get handles in the table. When it has no room, the message is put into the
// queue of the channel as the oldest one (dropped if another thread has closed that meanwhile).
// Consumes it on errors: ERR_LIMIT.
__must_check error_t channel_accept_on(struct handle_table *table, handle_t handle,
                                       struct channel_message *message);
// Frees the messages that this hart keeps for use.
void channel_trim(void);

static inline struct channel_end *channel_from_object(struct object *object)
{
	return container_of(object, struct channel_end, object);
}
