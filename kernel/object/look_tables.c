// SPDX-License-Identifier: MIT
//
// What a look tells of handle tables: of all handles of a process, or of ends of channels. A table
// is locked for a few slots at a time.
#include "kernel/object/channel_private.h"
#include "kernel/object/folio.h"
#include "kernel/object/look.h"
#include "kernel/object/process.h"
#include "kernel/object/service.h"
#include "kernel/object/thread.h"

#define SLOTS_AT_ONCE 64u
#define TABLE_BATCH 12u

// --- Handles ---

static uint32_t object_id(struct object *object)
{
	switch (object->type) {
	case OBJECT_PROCESS: return process_from_object(object)->id;
	case OBJECT_THREAD: return container_of(object, struct thread, object)->id;
	case OBJECT_CHANNEL: return channel_from_object(object)->channel->id;
	case OBJECT_SERVICE: return service_from_object(object)->id;
	case OBJECT_CONNECTOR: return service_from_connector(object)->id;
	default: return 0;
	}
}

static bool fill_handle(struct process *process, uint32_t index, const struct handle_slot *slot,
                        void *out)
{
	struct look_handle *record = out;

	*record = (struct look_handle){
		.process = process->id,
		.handle = handle_make(index, slot->generation),
		.type = slot->object->type,
		.rights = slot->rights,
		.object = object_id(slot->object),
	};
	if (slot->object->type == OBJECT_FOLIO)
		record->size = folio_from_object(slot->object)->size;
	return true;
}

// --- Channels ---

static bool fill_channel(struct process *process, uint32_t index, const struct handle_slot *slot,
                         void *out)
{
	struct look_channel_end *record = out;
	const struct channel_end *end;

	if (slot->object->type != OBJECT_CHANNEL)
		return false;
	end = channel_from_object(slot->object);
	*record = (struct look_channel_end){
		.channel = end->channel->id,
		.end = (uint32_t)(end - end->channel->ends),
		.process = process->id,
		.handle = handle_make(index, slot->generation),
		.queued = __atomic_load_n(&end->queued, __ATOMIC_RELAXED),
		.capacity = CHANNEL_MAX_QUEUED,
		.service = end->service,
		.closed = __atomic_load_n(&end->peer->closed, __ATOMIC_RELAXED) ? 1 : 0,
		.sent = __atomic_load_n(&end->sent, __ATOMIC_RELAXED),
	};
	return true;
}

// --- Tables ---

struct table_kind {
	size_t size;  // of a record
	bool (*fill)(struct process *process, uint32_t index, const struct handle_slot *slot,
	             void *out);
};

union records {
	struct look_handle handles[TABLE_BATCH];
	struct look_channel_end ends[TABLE_BATCH];
};

// Fills as many records as there is room for, from some slots on. `*index`: where to go on; 0 at
// the end of the table. Returns how many.
static size_t fill_some(struct process *process, const struct table_kind *kind, uint32_t *index,
                        union records *records)
{
	struct handle_table *table = &process->handles;
	uint32_t i = *index;
	size_t count = 0;

	spin_lock(&table->lock);
	for (uint32_t n = 0; i < table->capacity && n < SLOTS_AT_ONCE && count < TABLE_BATCH;
	     i++, n++) {
		const struct handle_slot *slot = &table->slots[i];

		if (slot->object != NULL &&
		    kind->fill(process, i, slot, (uint8_t *)records + count * kind->size))
			count++;
	}
	*index = i < table->capacity ? i : 0;
	spin_unlock(&table->lock);
	return count;
}

static error_t tell_table(struct process *process, const struct table_kind *kind,
                          struct look_out *out)
{
	union records records;
	uint32_t index = 1;
	error_t error = 0;

	while (index != 0 && error == 0) {
		size_t count = fill_some(process, kind, &index, &records);

		for (size_t i = 0; i < count && error == 0; i++)
			error = look_put(out, (const uint8_t *)&records + i * kind->size,
			                 kind->size);
		if (error == 0 && index != 0)
			error = look_rest();
	}
	return error;
}

static error_t tell_handles(struct process *process, struct look_out *out)
{
	static const struct table_kind kind = { sizeof(struct look_handle), fill_handle };

	return tell_table(process, &kind, out);
}

static error_t tell_channels(struct process *process, struct look_out *out)
{
	static const struct table_kind kind = { sizeof(struct look_channel_end), fill_channel };

	return tell_table(process, &kind, out);
}

error_t look_tell_handles(uint64_t argument, struct look_out *out)
{
	if (argument == 0 || argument > UINT32_MAX)
		return argument == 0 ? ERR_NOT_FOUND : ERR_RANGE;
	return look_each_process(0, (uint32_t)argument, out, tell_handles);
}

error_t look_tell_channels(uint64_t argument, struct look_out *out)
{
	if (argument > UINT32_MAX)
		return ERR_RANGE;
	return look_each_process(0, (uint32_t)argument, out, tell_channels);
}
