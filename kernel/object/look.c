// SPDX-License-Identifier: MIT
#include "kernel/object/look.h"

#include "kernel/object/process.h"
#include "kernel/sched/sched.h"

static void look_destroy(struct object *object)
{
	object_free(object);
}

static const struct object_ops look_ops = {
	.type = OBJECT_LOOK,
	.rights = RIGHT_READ | RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.destroy = look_destroy,
};

error_t look_object_create(struct account *account, struct look **out)
{
	return object_alloc(&look_ops, sizeof(**out), account, out);
}

error_t look_object_watch(struct look *look, uint64_t watches)
{
	if ((watches & ~(uint64_t)(LOOK_COUNT | LOOK_TRACE_EVENTS)) != 0)
		return ERR_INVALID;
	__atomic_store_n(&look->watches, (uint32_t)watches, __ATOMIC_RELAXED);
	return 0;
}

error_t look_put(struct look_out *out, const void *record, size_t size)
{
	size_t at = out->total;

	out->total += size;
	if (at > out->size || size > out->size - at)
		return 0;
	return out->write(out->address + at, record, size);
}

// A few at a time are looked up, so that the list of all is not locked for long.
#define BATCH 16u

error_t look_each_process(uint32_t from, uint32_t only, struct look_out *out,
                          error_t (*tell)(struct process *process, struct look_out *out))
{
	struct process *batch[BATCH];
	size_t max = only != 0 ? 1 : BATCH;
	error_t error = 0;
	bool found = false;
	size_t count;

	do {
		count = process_collect(only != 0 ? only : from, batch, max);
		for (size_t i = 0; i < count; i++) {
			from = batch[i]->id + 1;
			if (error == 0 && (only == 0 || batch[i]->id == only)) {
				found = true;
				error = tell(batch[i], out);
			}
			object_put(&batch[i]->object);
		}
		if (!sched_preemption_point())
			return 0;  // nobody sees it
	} while (error == 0 && only == 0 && count == max);
	return error == 0 && only != 0 && !found ? ERR_NOT_FOUND : error;
}
