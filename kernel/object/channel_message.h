// SPDX-License-Identifier: MIT
//
// A message in the kernel: on its way from the sender's memory to the receiver's, in a queue or
// not. There are two sizes, so that each message may be used again for any other of its kind: each
// hart keeps some of those that it frees.
#pragma once

#include "kernel/object/channel.h"
#include "kernel/sched/handover.h"

// A handle in a message: counted at its object.
struct queued_handle {
	struct object *object;
	rights_t rights;
	bool is_end;
	bool in_transit;
	struct list entry;           // in the end's transit list
	struct channel_end *holder;  // in whose queue it lies
};

// What a message sent starts with, as far as the kernel needs it.
struct message_header {
	uint32_t type;
	uint16_t len;
	uint16_t num_handles;
	handle_t handles[MESSAGE_MAX_HANDLES];
};
_Static_assert(sizeof(struct message_header) == offsetof(struct message, data), "message");

struct channel_message {
	struct channel_message *next;
	struct account *account;  // the sender's
	uint32_t charged;
	uint16_t num_queued;           // objects that it holds
	uint16_t num_ends;             // channel ends among them
	struct queued_handle *queued;  // NULL: there is no room for any, a plain message
	struct message_header header;  // the data follows: one copy hands both out
	uint8_t data[];
};

// Without handles, and with: both have room for the most data.
#define PLAIN_MESSAGE_SIZE (sizeof(struct channel_message) + MESSAGE_MAX_DATA)
#define FULL_MESSAGE_SIZE (PLAIN_MESSAGE_SIZE + MESSAGE_MAX_HANDLES * sizeof(struct queued_handle))
// Of each kind, on each hart.
#define FREE_MESSAGES_MAX 16u

// --- Its header, in words: the compiler would call a function to copy it ---

// The first word: type, len and num_handles.
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
static inline size_t message_head_len(uint64_t head)
{
	return head >> 32 & 0xffff;
}
static inline uint32_t message_head_num_handles(uint64_t head)
{
	return (uint32_t)(head >> 48);
}
// Its handles: two words.
static inline void message_handles(const struct message_header *header, uint64_t out[2])
{
	__builtin_memcpy(out, __builtin_assume_aligned(header->handles, 8),
	                 sizeof(header->handles));
}
// The same the other way. What the sender has behind its handles is none of the receiver's
// business.
static inline void message_set_handles(struct message_header *header, const uint64_t handles[2])
{
	uint32_t n = header->num_handles;
	uint64_t kept[2] = {
		n >= 2 ? handles[0] : (uint32_t)handles[0],
		n == 4 ? handles[1] : (n == 3 ? (uint32_t)handles[1] : 0),
	};

	__builtin_memcpy(__builtin_assume_aligned(header->handles, 8), kept,
	                 sizeof(header->handles));
}
_Static_assert(sizeof(((struct message_header *)NULL)->handles) == 2 * sizeof(uint64_t),
               "two words");
_Static_assert(offsetof(struct message_header, len) == 4 &&
                       offsetof(struct message_header, num_handles) == 6 &&
                       offsetof(struct channel_message, header) % 8 == 0,
               "the first word");

// --- Its life ---

// A message with this first word, checked by the caller, charged to `account`; its data and, if it
// names any, its handles are to be set. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t channel_message_create(struct account *account, uint64_t head,
                                            struct channel_message **out);
// The same of a message that this hart keeps. `handles`, a constant: whether it names any. NULL:
// there is none, or the account's limit is reached; channel_message_create says what then.
static inline __attribute__((always_inline)) struct channel_message *channel_message_take(
	struct account *account, uint64_t head, bool handles)
{
	struct hart *hart = caller_hart();
	struct channel_message **list = handles ? &hart->free_full_messages : &hart->free_messages;
	uint32_t *count = handles ? &hart->num_free_full_messages : &hart->num_free_messages;
	struct channel_message *message = *list;

	if (message == NULL ||
	    account_charge_little(account, handles ? FULL_MESSAGE_SIZE : PLAIN_MESSAGE_SIZE) != 0)
		return NULL;
	*list = message->next;
	(*count)--;
	message->account = account;
	message_set_head(&message->header, head);
	return message;
}

// Frees a message and drops the objects in it. No lock is held.
void channel_message_free(struct channel_message *message);
// The same. Returns `error`. Each file has one of its own, so that the compiler knows which
// registers it leaves alone.
static __attribute__((noinline, unused)) error_t channel_message_drop(
	struct channel_message *message, error_t error)
{
	channel_message_free(message);
	return error;
}
// The same of a message that holds no objects. Returns 0.
static inline __attribute__((always_inline)) error_t channel_message_keep(
	struct channel_message *message)
{
	struct hart *hart = caller_hart();

	if (hart->num_free_messages >= FREE_MESSAGES_MAX || message->queued != NULL)
		return channel_message_drop(message, 0);
	message->next = hart->free_messages;
	hart->free_messages = message;
	hart->num_free_messages++;
	account_uncharge(message->account, PLAIN_MESSAGE_SIZE);
	return 0;
}
