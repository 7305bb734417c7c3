// SPDX-License-Identifier: MIT
//
// A ring has as many events as `next` says, of which the last TRACE_EVENTS are there. The hart
// writes the event `n` over the event `n - TRACE_EVENTS`, then says that `next` is n + 1. A reader
// copies, and looks at `next` once more: what may have been written over meanwhile is thrown away,
// and counted as lost. Two orders make that right on harts that order little:
//  - The event before the `next` that tells of it: a release store, and the reader's acquire load.
//  - The `next` that tells of event n - 1 before the words of event n: a release fence between
//    them, and in the reader an acquire fence between its copy and its second look at `next`. So
//    who has copied a word of event n sees that `next` is at least n, and throws away what lay
//    there before.
#include "kernel/object/trace.h"

#include "kernel/arch/arch.h"
#include "kernel/mm/page.h"
#include "kernel/object/channel_private.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"

#define RING_ORDER 6u  // 256 KiB
#define TRACE_EVENTS ((PAGE_SIZE << RING_ORDER) / sizeof(struct slot))
#define EVENT_BATCH 16u

// What lies in a ring: struct look_event with ticks, in words.
struct slot {
	uint64_t words[4];
};
_Static_assert(sizeof(struct slot) == sizeof(struct look_event), "it becomes one");

static struct {
	uint64_t next;       // atomic, written by its hart
	struct slot *slots;  // NULL: none yet; atomic, written once
} rings[MAX_HARTS];

// --- Writing ---

static void note_of(struct hart *hart, const struct thread *thread, uint64_t ticks,
                    enum look_event_kind kind, uint32_t argument, uint64_t value)
{
	// Pairs with the release store in trace_make_rings.
	struct slot *slots = __atomic_load_n(&rings[hart->id].slots, __ATOMIC_ACQUIRE);
	uint32_t process = thread->process != NULL ? thread->process->id : 0;
	uint64_t n = rings[hart->id].next;
	uint64_t *words;

	if (slots == NULL ||
	    (__atomic_load_n(&hart->looked_at, __ATOMIC_RELAXED) & LOOK_TRACE_EVENTS) == 0)
		return;
	words = slots[n % TRACE_EVENTS].words;
	// Pairs with the acquire fence in read_batch.
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store_relaxed(&words[0], ticks);
	store_relaxed(&words[1], (uint64_t)thread->id | (uint64_t)process << 32);
	store_relaxed(&words[2],
	              (uint64_t)kind | (uint64_t)hart->id << 16 | (uint64_t)argument << 32);
	store_relaxed(&words[3], value);
	// Pairs with the acquire load in look_tell_trace.
	store_release(&rings[hart->id].next, n + 1);
}

void trace_switch(struct hart *hart, const struct thread *prev, const struct thread *next)
{
	note_of(hart, next, arch_ticks(), LOOK_SWITCH, prev->id, 0);
}

void trace_note(struct hart *hart, enum look_event_kind kind, uint32_t argument, uint64_t value)
{
	note_of(hart, hart->current, arch_ticks(), kind, argument, value);
}

void trace_seldom(enum look_event_kind kind, uint32_t argument, uint64_t value)
{
	struct hart *hart = arch_this_hart();

	if (hart_is_looked_at(hart))
		trace_note(hart, kind, argument, value);
}

error_t trace_send(struct handle_table *table, handle_t handle, struct channel_message *message)
{
	struct hart *hart = arch_this_hart();
	uint32_t type = message->header.type;
	uint64_t ticks = arch_ticks();
	nsec_t slice_end = hart->slice_end;
	struct channel_end *end;
	struct object *object;
	error_t error;

	if (handle_lookup(table, handle, OBJECT_CHANNEL, 0, &object) != 0)
		return channel_send_on(table, handle, message);
	end = channel_from_object(object);
	// Without a tick nobody is woken the short way (handover.h), which notes nothing.
	hart->slice_end = NSEC_NEVER;
	error = channel_send_on(table, handle, message);
	if (slice_end != NSEC_NEVER) {
		hart->slice_end = slice_end;
		timer_program();
	}
	if (error == 0) {
		__atomic_fetch_add(&end->sent, 1, __ATOMIC_RELAXED);
		note_of(hart, hart->current, ticks, LOOK_SEND, end->channel->id, type);
	}
	object_put(object);
	return error;
}

void trace_received(struct handle_table *table, handle_t handle, uint32_t type)
{
	struct object *object;

	if (handle_lookup(table, handle, OBJECT_CHANNEL, 0, &object) != 0)
		return;
	trace_seldom(LOOK_RECEIVE, channel_from_object(object)->channel->id, type);
	object_put(object);
}

// --- On and off ---

error_t trace_make_rings(void)
{
	for (uint32_t i = 0; i < num_harts; i++) {
		struct slot *none = NULL;
		paddr_t pages;
		error_t error;

		if (__atomic_load_n(&rings[i].slots, __ATOMIC_RELAXED) != NULL)
			continue;
		error = page_alloc(RING_ORDER, &pages);
		if (error != 0)
			return error;
		// Pairs with the acquire load in note_of, and with that in look_tell_trace.
		if (!__atomic_compare_exchange_n(&rings[i].slots, &none,
		                                 (struct slot *)page_to_virt(pages), false,
		                                 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			page_free(pages, RING_ORDER);
	}
	return 0;
}

void trace_set(uint32_t watches)
{
	for (uint32_t i = 0; i < num_harts; i++)
		store_relaxed(&harts[i].looked_at, watches);
}

void trace_trim(void)
{
	for (uint32_t i = 0; i < num_harts; i++) {
		if (rings[i].slots != NULL)
			page_free(page_from_virt(rings[i].slots), RING_ORDER);
		rings[i].slots = NULL;
		rings[i].next = 0;
	}
}

// --- Reading ---

// Copies the events [from, from + count) of a hart. Returns the first that is whole.
static uint64_t read_batch(uint32_t hart, const struct slot *slots, uint64_t from, uint64_t count,
                           struct look_event *out)
{
	uint64_t next;

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t *words = slots[(from + i) % TRACE_EVENTS].words;
		uint64_t who = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
		uint64_t what = __atomic_load_n(&words[2], __ATOMIC_RELAXED);

		out[i] = (struct look_event){
			.time_ns = __atomic_load_n(&words[0], __ATOMIC_RELAXED),
			.thread = (uint32_t)who,
			.process = (uint32_t)(who >> 32),
			.kind = (uint16_t)what,
			.hart = (uint16_t)(what >> 16),
			.argument = (uint32_t)(what >> 32),
			.value = __atomic_load_n(&words[3], __ATOMIC_RELAXED),
		};
	}
	// Pairs with the release fence in note_of.
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	next = __atomic_load_n(&rings[hart].next, __ATOMIC_RELAXED);
	// The event `next` may be being written.
	return next >= TRACE_EVENTS ? next - TRACE_EVENTS + 1 : 0;
}

// Writes the events from `ring->next` to `end` that there is room for behind `ring`.
static error_t tell_events(uint32_t hart, const struct slot *slots, uint64_t end,
                           struct look_ring *ring, struct look_out *out)
{
	struct look_event batch[EVENT_BATCH];
	uint64_t room = (out->size - sizeof(*ring)) / sizeof(batch[0]);
	error_t error = 0;

	while (ring->next < end && ring->count < room && error == 0) {
		uint64_t count = end - ring->next;
		uint64_t whole;

		count = count < EVENT_BATCH ? count : EVENT_BATCH;
		count = count < room - ring->count ? count : room - ring->count;
		whole = read_batch(hart, slots, ring->next, count, batch);
		for (uint64_t i = 0; i < count && error == 0; i++, ring->next++) {
			if (ring->next < whole) {
				ring->lost++;
				continue;
			}
			batch[i].time_ns = arch_ticks_ns(batch[i].time_ns);
			error = out->write(out->address + sizeof(*ring) +
			                           ring->count * sizeof(batch[i]),
			                   &batch[i], sizeof(batch[i]));
			ring->count++;
		}
		if (error == 0 && ring->next < end)
			error = look_rest();
	}
	return error;
}

error_t look_tell_trace(uint64_t argument, struct look_out *out)
{
	uint32_t hart = (uint32_t)(argument >> 56);
	struct look_ring ring = { .next = argument & LOOK_TRACE_SEQUENCE_MAX };
	const struct slot *slots;
	uint64_t end;
	error_t error = 0;

	if (hart >= num_harts)
		return ERR_RANGE;
	if (out->size < sizeof(ring) + sizeof(struct look_event))
		return ERR_TOO_LARGE;
	// Pairs with the release store in trace_make_rings.
	slots = __atomic_load_n(&rings[hart].slots, __ATOMIC_ACQUIRE);
	// Pairs with the release store in note_of.
	end = __atomic_load_n(&rings[hart].next, __ATOMIC_ACQUIRE);
	if (ring.next > end)
		ring.next = end;
	if (end - ring.next > TRACE_EVENTS) {
		ring.lost = end - TRACE_EVENTS - ring.next;
		ring.next = end - TRACE_EVENTS;
	}
	if (slots != NULL)
		error = tell_events(hart, slots, end, &ring, out);
	out->total = sizeof(ring) + ring.count * sizeof(struct look_event);
	return error != 0 ? error : out->write(out->address, &ring, sizeof(ring));
}
