// SPDX-License-Identifier: MIT
//
// Channel ends that travel in queues, and the cycles that they may form (channel.h says how).
#include "kernel/object/channel_private.h"

static struct spinlock transit_lock = { .rank = LOCK_RANK_TRANSIT };
static uint32_t current_mark;

void channel_transit_lock(void)
{
	spin_lock(&transit_lock);
}

void channel_transit_unlock(void)
{
	spin_unlock(&transit_lock);
}

void channel_transit_enter_locked(struct channel_message *message, struct channel_end *holder)
{
	for (uint32_t i = 0; i < message->num_queued; i++) {
		struct queued_handle *queued = &message->queued[i];
		struct channel_end *end;

		if (!queued->is_end || queued->in_transit)
			continue;
		end = channel_from_object(queued->object);
		queued->holder = holder;
		queued->in_transit = true;
		list_push_back(&end->transit, &queued->entry);
		end->num_transit++;
	}
}

void channel_transit_leave_locked(struct channel_message *message)
{
	for (uint32_t i = 0; i < message->num_queued; i++) {
		struct queued_handle *queued = &message->queued[i];

		if (!queued->in_transit)
			continue;
		queued->in_transit = false;
		list_remove(&queued->entry);
		channel_from_object(queued->object)->num_transit--;
	}
}

void channel_transit_leave(struct channel_message *message)
{
	spin_lock(&transit_lock);
	channel_transit_leave_locked(message);
	spin_unlock(&transit_lock);
}

// Whether a handle of it is anywhere but in a queue (or just on its way out of one).
static bool is_rooted(const struct channel_end *end)
{
	return __atomic_load_n(&end->object.handles, __ATOMIC_SEQ_CST) > end->num_transit;
}

// Collects, linked by walk_next, `start` and all ends that directly or indirectly hold it. Returns
// false as soon as one of them can be reached by a process. Ends that are doomed already are not a
// way out.
static bool collect_unreachable(struct channel_end *start)
{
	struct channel_end *last = start;

	current_mark++;
	start->walk_mark = current_mark;
	start->walk_next = NULL;
	for (struct channel_end *end = start; end != NULL; end = end->walk_next) {
		if (is_rooted(end))
			return false;
		list_for_each(pos, &end->transit) {
			struct channel_end *holder =
				container_of(pos, struct queued_handle, entry)->holder;

			if (holder->doomed || holder->walk_mark == current_mark)
				continue;
			holder->walk_mark = current_mark;
			holder->walk_next = NULL;
			last->walk_next = holder;
			last = holder;
		}
	}
	return true;
}

void channel_check_reachable(struct channel_end *start)
{
	struct channel_end *end = NULL;

	spin_lock(&transit_lock);
	if (!start->doomed && start->num_transit > 0 && collect_unreachable(start)) {
		// Closing them walks again (the handles in their queues are dropped), so the list
		// to close has links of its own, set once. Each end is alive: it lies in a queue,
		// or what lies in its queue has not been dropped yet.
		for (struct channel_end *pos = start; pos != NULL; pos = pos->walk_next) {
			pos->doomed = true;
			pos->doomed_next = end;
			end = pos;
			object_get(&pos->object);
		}
	}
	spin_unlock(&transit_lock);
	while (end != NULL) {
		struct channel_end *next = end->doomed_next;

		object_close(&end->object);
		end = next;
	}
}
