// SPDX-License-Identifier: MIT
#include "kernel/object/look.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/log.h"
#include "kernel/debug/log_ring.h"
#include "kernel/object/process.h"
#include "kernel/object/trace.h"
#include "kernel/sched/sched.h"
#include "libs/abi/poll.h"
#include "libs/base/string.h"

// The list of all looks.
static struct spinlock all_lock = { .rank = LOCK_RANK_PROCESS };
static struct list all_looks = { &all_looks, &all_looks };

// Harts do what any look wants.
static void watch_for_all_locked(void)
{
	uint32_t watches = 0;

	list_for_each(pos, &all_looks)
		watches |= container_of(pos, struct look, all_entry)->watches;
	trace_set(watches);
}

static void look_destroy(struct object *object)
{
	struct look *look = look_from_object(object);

	spin_lock(&all_lock);
	list_remove(&look->all_entry);
	watch_for_all_locked();
	spin_unlock(&all_lock);
	object_free(object);
}

// Whether there are lines of the log that were not told.
static uint32_t look_readiness(struct object *object)
{
	const struct look *look = look_from_object(object);
	uint64_t seen = __atomic_load_n(&look->log_seen, __ATOMIC_RELAXED);

	return log_ring_next() - 1 > seen ? READY_READABLE : 0;
}

static const struct object_ops look_ops = {
	.type = OBJECT_LOOK,
	.rights = RIGHT_READ | RIGHT_POLL | RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = look_readiness,
	.destroy = look_destroy,
};

// From the log, with any lock held: those who wait for lines hear of it on this hart's way out of
// the kernel.
static void line_added(void)
{
	arch_this_hart()->kicks |= SCHED_NOTE;
}

static void notify_all(void)
{
	spin_lock(&all_lock);
	list_for_each(pos, &all_looks) {
		struct look *look = container_of(pos, struct look, all_entry);

		// Who polls has set this before it looks at the log's end, under the lock of its
		// ring; here the line is in the ring already: one of the two sees the other.
		if (look->object.watched)
			object_notify(&look->object, READY_READABLE);
	}
	spin_unlock(&all_lock);
}

error_t look_object_create(struct account *account, struct look **out)
{
	error_t error = object_alloc(&look_ops, sizeof(**out), account, out);

	if (error != 0)
		return error;
	spin_lock(&all_lock);
	list_push_back(&all_looks, &(*out)->all_entry);
	sched_noted = notify_all;
	log_line_added = line_added;
	spin_unlock(&all_lock);
	return 0;
}

error_t look_object_watch(struct look *look, uint64_t watches)
{
	error_t error;

	if ((watches & ~(uint64_t)(LOOK_COUNT | LOOK_TRACE_EVENTS)) != 0)
		return ERR_INVALID;
	error = (watches & LOOK_TRACE_EVENTS) != 0 ? trace_make_rings() : 0;
	if (error != 0)
		return error;
	spin_lock(&all_lock);
	look->watches = (uint32_t)watches;
	watch_for_all_locked();
	spin_unlock(&all_lock);
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

error_t look_rest(void)
{
	return sched_preemption_point() ? 0 : ERR_BAD_STATE;
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
		if (error == 0)
			error = look_rest();
	} while (error == 0 && only == 0 && count == max);
	return error == 0 && only != 0 && !found ? ERR_NOT_FOUND : error;
}

// --- The log ---

#define LINES_AT_ONCE 16u

// A line as it is told: its text right behind it.
struct told_line {
	struct look_line line;
	char text[LOOK_LINE_MAX];
};

error_t look_tell_log(uint64_t argument, struct look_out *out)
{
	struct look_ring ring = { .next = argument > 0 ? argument : 1 };
	struct told_line told;
	size_t at = sizeof(ring);
	error_t error = 0;

	if (out->size < sizeof(ring) + LOOK_LINE_SIZE(LOOK_LINE_MAX))
		return ERR_TOO_LARGE;
	if (ring.next > log_ring_next())
		ring.next = log_ring_next();
	while (error == 0) {
		size_t size;

		memset(&told, 0, sizeof(told));
		if (!log_ring_read(ring.next, &told.line, told.text))
			break;
		size = LOOK_LINE_SIZE(told.line.length);
		if (size > out->size - at)
			break;
		error = out->write(out->address + at, &told, size);
		at += size;
		ring.count++;
		ring.lost += told.line.sequence - ring.next;
		ring.next = told.line.sequence + 1;
		if (error == 0 && ring.count % LINES_AT_ONCE == 0)
			error = look_rest();
	}
	if (error == 0)
		error = out->write(out->address, &ring, sizeof(ring));
	out->total = at;
	__atomic_store_n(&out->look->log_seen, ring.next - 1, __ATOMIC_RELAXED);
	return error;
}
