// SPDX-License-Identifier: MIT
//
// Between channel.c and channel_transit.c.
#pragma once

#include "kernel/object/channel.h"

struct channel {
	struct spinlock lock;
	uint32_t alive;  // ends, atomic
	struct account *account;
	struct channel_end ends[2];
};

// A handle in a queue: counted at its object.
struct queued_handle {
	struct object *object;
	rights_t rights;
	bool is_end;
	bool in_transit;
	struct list entry;           // in the end's transit list
	struct channel_end *holder;  // in whose queue it lies
};

struct channel_message {
	struct channel_message *next;
	struct account *account;  // the sender's
	uint32_t charged;
	uint16_t num_queued;           // handles that it holds
	uint16_t num_ends;             // channel ends among them
	struct queued_handle *queued;  // NULL: none, a plain message
	struct message_header header;  // the data follows: one copy hands both out
	uint8_t data[];
};

// Messages without handles all have room for the most data, so that each may be used again for any
// other: a hart keeps some of those that it frees (hart.free_messages). Of a kept one account, next
// and the first word of the header are to be set, all else holds.
#define PLAIN_MESSAGE_SIZE (sizeof(struct channel_message) + MESSAGE_MAX_DATA)
#define FREE_MESSAGES_MAX 16u
// Likewise those with handles other than channel ends, with room for the most of both
// (hart.free_full_messages).
#define FULL_MESSAGE_SIZE (PLAIN_MESSAGE_SIZE + MESSAGE_MAX_HANDLES * sizeof(struct queued_handle))

// The first word of a header: type, len and num_handles.
static inline uint64_t message_head(const struct message_header *header)
{
	uint64_t head;

	__builtin_memcpy(&head, __builtin_assume_aligned(header, 8), sizeof(head));
	return head;
}
static inline void message_set_head(struct message_header *header, uint64_t head)
{
	__builtin_memcpy(__builtin_assume_aligned(header, 8), &head, sizeof(head));
}
// Its handles, as two words: the compiler would call a function to copy them.
static inline void message_handles(const struct message_header *header, uint64_t out[2])
{
	__builtin_memcpy(out, __builtin_assume_aligned(header->handles, 8),
	                 sizeof(header->handles));
}
static inline void message_set_handles(struct message_header *header, const uint64_t handles[2])
{
	__builtin_memcpy(__builtin_assume_aligned(header->handles, 8), handles,
	                 sizeof(header->handles));
}
_Static_assert(sizeof(((struct message_header *)NULL)->handles) == 2 * sizeof(uint64_t),
               "two words");
_Static_assert(offsetof(struct message_header, num_handles) == 6 &&
                       offsetof(struct channel_message, header) % 8 == 0,
               "the first word");

// Appends a message to a queue; the channel's lock is held.
static inline void channel_push_locked(struct channel_end *to, struct channel_message *message)
{
	message->next = NULL;
	if (to->tail != NULL)
		to->tail->next = message;
	else
		to->head = message;
	to->tail = message;
	store_relaxed(&to->queued, to->queued + 1);
}

// Takes the first message of a queue that has one; the channel's lock is held.
static inline struct channel_message *channel_pop_locked(struct channel_end *end)
{
	struct channel_message *message = end->head;

	end->head = message->next;
	if (end->head == NULL)
		end->tail = NULL;
	store_relaxed(&end->queued, end->queued - 1);
	return message;
}

// The lock of what is known about channel ends that lie in queues.
void channel_transit_lock(void);
void channel_transit_unlock(void);
// Records that the ends among the message's handles lie in the queue of `holder` from now on; and
// the reverse.
void channel_transit_enter_locked(struct channel_message *message, struct channel_end *holder);
void channel_transit_leave_locked(struct channel_message *message);
// As channel_transit_leave_locked, with no lock held.
void channel_transit_leave(struct channel_message *message);
// Closes `end` and all that hold it when no process can reach them any more. No lock is held; the
// caller holds a reference.
void channel_check_reachable(struct channel_end *end);
