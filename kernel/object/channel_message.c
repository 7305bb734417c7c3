// SPDX-License-Identifier: MIT
//
// Messages are made, kept for use again, and freed.
#include "kernel/object/channel_message.h"

#include "kernel/arch/arch.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/channel_private.h"
#include "kernel/sched/sched.h"
#include "libs/base/string.h"

static struct channel_message *take(struct channel_message **list, uint32_t *count)
{
	struct channel_message *message = *list;

	if (message != NULL) {
		*list = message->next;
		(*count)--;
	}
	return message;
}

// Keeps a message for later, unless the list is full.
static bool keep(struct channel_message **list, uint32_t *count, struct channel_message *message)
{
	if (*count >= FREE_MESSAGES_MAX)
		return false;
	message->next = *list;
	*list = message;
	(*count)++;
	return true;
}

static struct channel_message *take_plain(struct hart *hart)
{
	return take(&hart->free_messages, &hart->num_free_messages);
}

static struct channel_message *take_full(struct hart *hart)
{
	return take(&hart->free_full_messages, &hart->num_free_full_messages);
}

void channel_trim(void)
{
	struct hart *hart = arch_this_hart();
	struct channel_message *message;

	while ((message = take_plain(hart)) != NULL || (message = take_full(hart)) != NULL)
		kfree(message);
}

static struct channel_message *allocate(bool full)
{
	size_t size = full ? FULL_MESSAGE_SIZE : PLAIN_MESSAGE_SIZE;
	struct channel_message *message = kmalloc_dirty(size);

	if (message == NULL)
		return NULL;
	memset(message, 0, sizeof(*message));
	message->charged = (uint32_t)size;
	if (full)
		message->queued =
			(struct queued_handle *)(void *)(message->data + MESSAGE_MAX_DATA);
	return message;
}

error_t channel_message_create(struct account *account, uint64_t head, struct channel_message **out)
{
	bool full = message_head_num_handles(head) > 0;
	size_t size = full ? FULL_MESSAGE_SIZE : PLAIN_MESSAGE_SIZE;
	struct hart *hart = arch_this_hart();
	struct channel_message *message;

	if (account_charge_little(account, size) != 0)
		return ERR_LIMIT;
	message = full ? take_full(hart) : take_plain(hart);
	if (message == NULL)
		message = allocate(full);
	if (message == NULL) {
		account_uncharge(account, size);
		return ERR_NO_MEMORY;
	}
	message->account = account;
	message_set_head(&message->header, head);
	*out = message;
	return 0;
}

static __attribute__((noinline)) void drop_handles(struct channel_message *message)
{
	if (message->num_ends > 0)
		channel_transit_leave(message);
	for (uint32_t i = 0; i < message->num_queued; i++)
		object_handle_put(message->queued[i].object);
	message->num_queued = 0;
}

void channel_message_free(struct channel_message *message)
{
	struct account *account = message->account;
	uint32_t charged = message->charged;
	struct hart *hart = arch_this_hart();
	bool kept;

	if (message->num_queued > 0)
		drop_handles(message);
	message->num_ends = 0;
	if (message->queued == NULL)
		kept = keep(&hart->free_messages, &hart->num_free_messages, message);
	else
		kept = keep(&hart->free_full_messages, &hart->num_free_full_messages, message);
	if (!kept)
		kfree(message);
	account_uncharge(account, charged);
}
