// SPDX-License-Identifier: MIT
#include "libs/abi/syscall.h"
#include "libs/call_fuzz/private.h"

static struct call_fuzz_slot bad_handle(struct call_fuzz_thread *thread)
{
	static const handle_t never[] = { HANDLE_NONE, -1, INT32_MIN, INT32_MAX, 1, 40000 };
	const struct call_fuzz_slot *slots = thread->process->slots;
	handle_t handle;

	if (choose(thread, 2) == 0)
		handle = never[choose(thread, sizeof(never) / sizeof(never[0]))];
	else  // of another generation
		handle = slots[choose(thread, CALL_FUZZ_SLOTS)].handle ^
			1 << (16 + choose(thread, 15));
	return (struct call_fuzz_slot){ .handle = handle, .type = OBJECT_NONE };
}

// From a list, the first one from `start` on that fits; a bad one when there is none.
static struct call_fuzz_slot find(struct call_fuzz_thread *thread,
                                  const struct call_fuzz_slot *list, uint32_t size, uint32_t start,
                                  uint32_t type)
{
	for (uint32_t i = 0; i < size; i++) {
		struct call_fuzz_slot slot = list[(start + i) % size];

		if (slot.handle == HANDLE_NONE)
			continue;
		if (type == OBJECT_NONE || slot.type == type ||
		    (slot.type == OBJECT_NONE && choose(thread, 4) == 0))
			return slot;
	}
	return (struct call_fuzz_slot){ .handle = HANDLE_NONE, .type = OBJECT_NONE };
}

struct call_fuzz_slot call_fuzz_handle(struct call_fuzz_thread *thread, uint32_t type, bool loose)
{
	const struct call_fuzz *process = thread->process;
	struct call_fuzz_slot slot = { .handle = HANDLE_NONE };
	uint64_t luck = choose(thread, 32);
	uint32_t start;

	if (luck == 0)
		return bad_handle(thread);
	if (luck == 1)
		type = OBJECT_NONE;
	// Few are used often: so both ends of a channel are found, and what a poll watches happens.
	start = (uint32_t)choose(thread, luck % 2 == 0 ? CALL_FUZZ_HOT_SLOTS : CALL_FUZZ_SLOTS);
	if (!loose && luck % 4 < 2)
		slot = find(thread, process->pinned, CALL_FUZZ_PINNED, start, type);
	if (slot.handle == HANDLE_NONE)
		slot = find(thread, process->slots, CALL_FUZZ_SLOTS, start, type);
	if (slot.handle == HANDLE_NONE && !loose)
		slot = find(thread, process->pinned, CALL_FUZZ_PINNED, start, type);
	return slot;
}

void call_fuzz_keep(struct call_fuzz_thread *thread, handle_t handle, uint32_t type)
{
	struct call_fuzz_slot *slots = thread->process->slots;
	uint64_t at =
		choose(thread, choose(thread, 4) == 0 ? CALL_FUZZ_HOT_SLOTS : CALL_FUZZ_SLOTS);
	uintptr_t args[6] = { (uintptr_t)slots[at].handle };

	slots[at] = (struct call_fuzz_slot){ .handle = handle, .type = type };
	// Some stay open, named by nobody.
	if (args[0] != HANDLE_NONE && choose(thread, 1024) != 0)
		(void)thread->process->world->call(thread, SYSCALL_NR_handle_close, args);
}

void call_fuzz_learn(struct call_fuzz_thread *thread, handle_t handle, uint32_t type)
{
	struct call_fuzz_slot *slots = thread->process->slots;

	for (uint32_t i = 0; i < CALL_FUZZ_SLOTS; i++) {
		if (slots[i].handle == handle)
			slots[i].type = type;
	}
}

void call_fuzz_forget(struct call_fuzz_thread *thread, handle_t handle)
{
	struct call_fuzz_slot *slots = thread->process->slots;

	// A stale one is tried again sometimes.
	for (uint32_t i = 0; i < CALL_FUZZ_SLOTS; i++) {
		if (slots[i].handle == handle && choose(thread, 16) != 0)
			slots[i].handle = HANDLE_NONE;
	}
}
