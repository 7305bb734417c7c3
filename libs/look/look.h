// SPDX-License-Identifier: MIT
//
// Snapshots of the system for an app that may look at it (NEED_LOOK, libs/abi/look.h): a buffer
// that grows until a snapshot fits, and the records in it.
#pragma once

#include <stddef.h>

#include "libs/abi/error.h"
#include "libs/abi/look.h"
#include "libs/abi/handle.h"

// Holds one snapshot, and is used again for the next. All zeroes: empty.
struct look_buffer {
	void *bytes;  // the heap's
	size_t size;
	size_t used;
};

// Takes a snapshot of `kind` (not LOOK_LOG, LOOK_TRACE): all records, whatever they take. What the
// buffer held before is gone, also on errors. Errors: ERR_NO_MEMORY (of the app); as look_read.
__must_check error_t look_take(handle_t look, enum look_kind kind, uint64_t argument,
                               struct look_buffer *buffer);
// Makes room in an empty buffer for a snapshot of `size` bytes, and some more: the kernel walks
// once, and not a second time to count what there is. Without the memory it does nothing.
void look_buffer_reserve(struct look_buffer *buffer, size_t size);
// Gives back what it holds.
void look_buffer_free(struct look_buffer *buffer);

// The records of a snapshot of that kind, valid until the buffer is used again or freed.
#define LOOK_RECORDS(name)                                             \
	static inline const struct look_##name *look_##name##_records( \
		const struct look_buffer *buffer, size_t *count)       \
	{                                                              \
		*count = buffer->used / sizeof(struct look_##name);    \
		return (const struct look_##name *)buffer->bytes;      \
	}
LOOK_RECORDS(process)
LOOK_RECORDS(thread)
LOOK_RECORDS(hart)
LOOK_RECORDS(memory)
LOOK_RECORDS(service)
LOOK_RECORDS(channel_end)
LOOK_RECORDS(vcpu)
LOOK_RECORDS(handle)
LOOK_RECORDS(interrupt)
LOOK_RECORDS(app)
#undef LOOK_RECORDS

// The process of that number in a snapshot of LOOK_PROCESSES; NULL: it is not in it.
const struct look_process *look_find_process(const struct look_buffer *processes, uint32_t id);
