// SPDX-License-Identifier: MIT
//
// A message's way from and to the app's memory. The usual case is inline, word by word.
#pragma once

#include "kernel/object/channel_message.h"
#include "kernel/syscall/syscall.h"

// The data of the message at `addr`, of which app_words_ok was asked. Returns false on a bad
// pointer.
static inline __attribute__((always_inline)) bool message_read_data_words(
	uintptr_t addr, struct channel_message *message, size_t len)
{
	uintptr_t from = addr + offsetof(struct message, data);

	return user_owns(from, len, false) && app_copy(message->data, (const void *)from, len);
}

// Writes a message to the app's memory, of which app_words_ok was asked. `handles`: two words, as
// in the header. Returns false on a bad pointer.
static inline __attribute__((always_inline)) bool message_write_words(
	uintptr_t addr, const struct channel_message *message, const uint64_t handles[2])
{
	size_t len = message->header.len;

	return user_owns(addr, sizeof(struct message_header) + len, true) &&
		app_store(addr, message_head(&message->header)) &&
		app_store_2(addr + 8, handles[0], handles[1]) &&
		(len == 0 ||
	         app_copy((void *)(addr + offsetof(struct message, data)), message->data, len));
}

// Writes any message anywhere. Errors: ERR_ADDRESS.
static inline __must_check error_t message_write(uintptr_t addr,
                                                 const struct channel_message *message)
{
	uint64_t handles[2];

	if (!app_words_ok(addr, sizeof(struct message)))
		return user_write(addr, &message->header,
		                  sizeof(struct message_header) + message->header.len);
	message_handles(&message->header, handles);
	return message_write_words(addr, message, handles) ? 0 : ERR_ADDRESS;
}
