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
	// Guarded by the transit lock.
	struct list transit;
	uint32_t num_transit;
	uint32_t walk_mark;
	struct channel_end *walk_next;
	bool doomed;  // no process can reach it: it is being closed
	struct channel_end *doomed_next;
};

// What a message sent starts with, as far as the kernel needs it.
struct message_header {
	uint32_t type;
	uint16_t len;
	uint16_t num_handles;
	handle_t handles[MESSAGE_MAX_HANDLES];
};
_Static_assert(sizeof(struct message_header) == offsetof(struct message, data), "message");

// Both ends, one reference each, no handles yet. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t channel_object_create(struct account *account, struct channel_end *out[2]);

// A message to be filled with `header.len` bytes at channel_message_data() and then sent or freed.
// `header` was checked. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t channel_message_create(const struct message_header *header,
                                            struct account *account, struct channel_message **out);
uint8_t *channel_message_data(struct channel_message *message);
// The header as the receiver shall see it; `data` follows it in memory.
struct message_header *channel_message_header(struct channel_message *message);
// Frees a message and drops the handles in it. No lock is held.
void channel_message_free(struct channel_message *message);

// Queues `message` for the peer of `end`, with the handles that its header names in `table`;
// consumes both on success only. Errors: as channel_send (libs/starina/syscall.h).
__must_check error_t channel_end_send(struct channel_end *end, struct handle_table *table,
                                      struct channel_message *message);
// Takes the oldest message; its handles are in `table` and its header names them. The caller frees
// it (it holds no handles any more). Errors: as channel_recv.
__must_check error_t channel_end_recv(struct channel_end *end, struct handle_table *table,
                                      struct channel_message **out);
// A message with as much room as any needs, with its first header word and its account set,
// charged. Of what it carries `queued` is to be set, and num_queued. NULL: no memory, or over the
// limit.
struct channel_message *channel_message_full(struct account *account, uint64_t head);
// Frees the messages that this hart keeps for use.
void channel_trim(void);
// Puts a message just received back, its handles too: the receiver's memory was bad.
void channel_end_unrecv(struct channel_end *end, struct handle_table *table,
                        struct channel_message *message);
// Puts a message that still holds its objects, none of them a channel's end, into the queue of
// `end` as the oldest one. No lock is held.
void channel_end_requeue(struct channel_end *end, struct channel_message *message);

static inline struct channel_end *channel_from_object(struct object *object)
{
	return container_of(object, struct channel_end, object);
}
