// SPDX-License-Identifier: MIT
#include "libs/look/look.h"

#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

// As there may be more records the next moment.
#define SPARE 1024u

static error_t grow(struct look_buffer *buffer, uint64_t wanted)
{
	if (wanted > LOOK_MAX_BYTES - SPARE)
		return ERR_TOO_LARGE;
	look_buffer_free(buffer);
	buffer->bytes = heap_alloc((size_t)wanted + SPARE);
	if (buffer->bytes == NULL)
		return ERR_NO_MEMORY;
	buffer->size = (size_t)wanted + SPARE;
	return 0;
}

error_t look_take(handle_t look, enum look_kind kind, uint64_t argument, struct look_buffer *buffer)
{
	uint64_t used = 0;
	error_t error;

	buffer->used = 0;
	for (;;) {
		error = look_read(look, kind, argument, buffer->bytes, buffer->size, &used);
		if (error != 0)
			return error;
		if (used <= buffer->size)
			break;
		error = grow(buffer, used);
		if (error != 0)
			return error;
	}
	buffer->used = (size_t)used;
	return 0;
}

void look_buffer_reserve(struct look_buffer *buffer, size_t size)
{
	if (buffer->bytes == NULL)
		(void)grow(buffer, size);
}

void look_buffer_free(struct look_buffer *buffer)
{
	heap_free(buffer->bytes);
	*buffer = (struct look_buffer){ 0 };
}

const struct look_process *look_find_process(const struct look_buffer *processes, uint32_t id)
{
	size_t count;
	const struct look_process *records = look_process_records(processes, &count);
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (records[middle].id == id)
			return &records[middle];
		if (records[middle].id < id)
			low = middle + 1;
		else
			count = middle;
	}
	return NULL;
}
