// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/vmid.h"

#include "kernel/sched/sched.h"
#include "kernel/sched/spinlock.h"

#define TAG_ID_BITS 16
#define TAG_ID_MASK ((1u << TAG_ID_BITS) - 1)

_Static_assert(VMID_MAX_BITS < TAG_ID_BITS, "an id fits its part of a tag");

// Guarded by `lock`; the generation is read without it, too.
static struct spinlock lock;
static uint64_t generation = 1;
static uint32_t next_id;
static uint32_t first_id;
static uint32_t num_ids;

// The generation in which each hart has fenced. Only its own hart touches an entry.
static uint64_t hart_generation[MAX_HARTS];

void vmid_init(unsigned bits)
{
	spinlock_init(&lock, LOCK_RANK_VM);
	generation = 1;
	first_id = bits == 0 ? 0 : 1;
	next_id = first_id;
	num_ids = 1u << bits;
	for (uint32_t i = 0; i < MAX_HARTS; i++)
		hart_generation[i] = 0;
}

static uint64_t generation_of(uint64_t tag)
{
	return tag >> TAG_ID_BITS;
}

// A tag of the current generation.
static uint64_t refresh(struct vmid *vmid)
{
	uint64_t tag;

	spin_lock(&lock);
	tag = __atomic_load_n(&vmid->tag, __ATOMIC_RELAXED);
	// Another vCPU of the space may have been here first.
	if (generation_of(tag) != generation) {
		if (next_id == num_ids) {
			__atomic_store_n(&generation, generation + 1, __ATOMIC_RELAXED);
			next_id = first_id;
		}
		tag = generation << TAG_ID_BITS | next_id++;
		__atomic_store_n(&vmid->tag, tag, __ATOMIC_RELAXED);
	}
	spin_unlock(&lock);
	return tag;
}

uint32_t vmid_enter(struct vmid *vmid, uint32_t hart, bool *must_fence)
{
	// One look at both. A generation that begins right after it gives the id to another space,
	// but on this hart nobody enters that before this hart has fenced for the new generation.
	uint64_t tag = __atomic_load_n(&vmid->tag, __ATOMIC_RELAXED);

	if (generation_of(tag) != __atomic_load_n(&generation, __ATOMIC_RELAXED))
		tag = refresh(vmid);
	*must_fence = hart_generation[hart] != generation_of(tag) || num_ids == 1;
	hart_generation[hart] = generation_of(tag);
	return (uint32_t)tag & TAG_ID_MASK;
}
