// SPDX-License-Identifier: MIT
//
// A message's way from and to the app's memory. The usual case is inline, word by word.
#pragma once

#include "kernel/object/channel_message.h"
#include "kernel/syscall/syscall.h"

// The data of the message at `addr`, which the kernel reaches at `at` (app_window). Returns false
// on a bad pointer.
static inline __attribute__((always_inline)) bool message_read_data_words(
	uintptr_t addr, uintptr_t at, struct channel_message *message, size_t len)
{
	size_t offset = offsetof(struct message, data);

	return user_owns(addr + offset, len, false) &&
		app_copy(message->data, (const void *)(at + offset), len);
}

// Writes a message to the app's memory at `addr`, which the kernel reaches at `at` (app_window).
// `handles`: two words, as in the header. Returns false on a bad pointer.
static inline __attribute__((always_inline)) bool message_write_words(
	uintptr_t addr, uintptr_t at, const struct channel_message *message,
	const uint64_t handles[2])
{
	size_t len = message->header.len;

	return user_owns(addr, sizeof(struct message_header) + len, true) &&
		app_store(at, message_head(&message->header)) &&
		app_store_2(at + 8, handles[0], handles[1]) &&
		(len == 0 ||
	         app_copy((void *)(at + offsetof(struct message, data)), message->data, len));
}

// Writes any message anywhere. Errors: ERR_ADDRESS.
static inline __must_check error_t message_write(uintptr_t addr,
                                                 const struct channel_message *message)
{
	size_t size = sizeof(struct message_header) + message->header.len;
	uint64_t handles[2];
	uintptr_t at;
	bool stored;

	message_handles(&message->header, handles);
	stored = app_words_ok(addr, sizeof(struct message)) && app_windows_hold() &&
		app_window(WINDOW_MESSAGE, addr, size, true, &at) &&
		message_write_words(addr, at, message, handles);
	app_windows_release();
	if (stored)
		return 0;
	app_window_open(WINDOW_MESSAGE, addr, true);
	return user_write(addr, &message->header, size);
}
