// SPDX-License-Identifier: MIT
//
// What the tests of poll_recv share.
#pragma once

#include "kernel/object/test_support.h"

#define RECV(poll, events, max, deadline, n, m)                                                  \
	sys_poll_recv((uintptr_t)(poll), (uintptr_t)(events), (max), (deadline), (uintptr_t)(n), \
	              (uintptr_t)(m))

// A poll with one end of a channel in it, whose cookie is 5.
struct polled {
	handle_t poll;
	handle_t ends[2];  // the first is in the poll
};

// The end is polled for `interest`. From now on the hart keeps messages, with and without handles:
// the short ways are open. One thread more stays in the process, which would end with its last one.
struct polled polled_create(uint32_t interest);
// Sends a message of this type, with some data, and a handle (HANDLE_NONE: none).
void polled_send(handle_t end, uint32_t type, handle_t handle);
// Messages that wait for the end of a channel of the caller.
uint32_t polled_queued(handle_t end);
