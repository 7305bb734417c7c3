// SPDX-License-Identifier: MIT
//
// Queued messages: made, kept for use again, freed.
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

struct channel_message *channel_message_full(struct account *account, uint64_t head)
{
	struct channel_message *message;

	if (account_charge_little(account, FULL_MESSAGE_SIZE) != 0)
		return NULL;
	message = take_full(arch_this_hart());
	if (message == NULL) {
		message = kmalloc_dirty(FULL_MESSAGE_SIZE);
		if (message == NULL) {
			account_uncharge(account, FULL_MESSAGE_SIZE);
			return NULL;
		}
		message->charged = (uint32_t)FULL_MESSAGE_SIZE;
		message->queued =
			(struct queued_handle *)(void *)(message->data + MESSAGE_MAX_DATA);
	}
	message->num_queued = 0;
	message->num_ends = 0;
	message->account = account;
	message_set_head(&message->header, head);
	return message;
}

error_t channel_message_create(const struct message_header *header, struct account *account,
                               struct channel_message **out)
{
	size_t data_size = header->num_handles == 0 ? MESSAGE_MAX_DATA
						    : ((size_t)header->len + 7) & ~(size_t)7;
	size_t size = sizeof(struct channel_message) + data_size +
		header->num_handles * sizeof(struct queued_handle);
	struct channel_message *message;
	error_t error = account_charge(account, size);

	if (error != 0)
		return error;
	message = header->num_handles == 0 ? take_plain(arch_this_hart()) : NULL;
	if (message == NULL)
		message = kmalloc_dirty(size);
	if (message == NULL) {
		account_uncharge(account, size);
		return ERR_NO_MEMORY;
	}
	message->next = NULL;
	message->account = account;
	message->charged = (uint32_t)size;
	message->num_queued = 0;
	message->num_ends = 0;
	message->queued = NULL;
	if (header->num_handles > 0)
		message->queued = (struct queued_handle *)(void *)(message->data + data_size);
	memset(&message->header, 0, sizeof(message->header));
	message->header.type = header->type;
	message->header.len = header->len;
	message->header.num_handles = header->num_handles;
	for (uint32_t i = 0; i < header->num_handles; i++)
		message->header.handles[i] = header->handles[i];
	*out = message;
	return 0;
}

uint8_t *channel_message_data(struct channel_message *message)
{
	return message->data;
}

struct message_header *channel_message_header(struct channel_message *message)
{
	return &message->header;
}

static __attribute__((noinline)) void drop_handles(struct channel_message *message)
{
	if (message->num_ends > 0)
		channel_transit_leave(message);
	for (uint32_t i = 0; i < message->num_queued; i++)
		object_handle_put(message->queued[i].object);
	message->num_queued = 0;
	message->num_ends = 0;
}

void channel_message_free(struct channel_message *message)
{
	struct account *account = message->account;
	uint32_t charged = message->charged;
	struct hart *hart = arch_this_hart();

	if (message->num_queued > 0)
		drop_handles(message);
	// A full one is told by its charge: others with handles are charged less, or carry four of
	// them and all data and are the same.
	if (message->queued == NULL ? !keep(&hart->free_messages, &hart->num_free_messages, message)
	                            : charged != FULL_MESSAGE_SIZE ||
	                    !keep(&hart->free_full_messages, &hart->num_free_full_messages,
	                          message))
		kfree(message);
	account_uncharge(account, charged);
}
