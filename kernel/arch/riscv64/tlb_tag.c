// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/tlb_tag.h"

#ifdef STARINA_HOST
#include "kernel/arch/host/arch_types.h"
#else
#include "kernel/arch/riscv64/arch_types.h"
#endif

#define ID_MASK ((1u << TLB_TAG_ID_BITS) - 1)

void tlb_tags_init(struct tlb_tags *tags, unsigned bits)
{
	*tags = (struct tlb_tags){
		.generation = 1,
		.first_id = bits == 0 ? 0 : 1,
		.num_ids = 1u << bits,
	};
	tags->next_id = tags->first_id;
}

void tlb_tags_shrink(struct tlb_tags *tags, unsigned bits)
{
	while (!arch_lock_take(&tags->lock))
		;
	if (1u << bits < tags->num_ids) {
		__atomic_store_n(&tags->num_ids, 1u << bits, __ATOMIC_RELAXED);
		tags->first_id = bits == 0 ? 0 : 1;
		tags->next_id = tags->first_id;
		// Numbers are given out again: as after the last one.
		__atomic_store_n(&tags->generation, tags->generation + 1, __ATOMIC_RELAXED);
	}
	arch_lock_give(&tags->lock);
}

static uint64_t generation_of(uint64_t word)
{
	return word >> TLB_TAG_ID_BITS;
}

// A word of the current generation.
static uint64_t refresh(struct tlb_tags *tags, struct tlb_tag *tag)
{
	uint64_t word;

	// Not a spinlock: those are above, and this one nests in any.
	while (!arch_lock_take(&tags->lock))
		;
	word = __atomic_load_n(&tag->word, __ATOMIC_RELAXED);
	// Another thread of the space may have been here first.
	if (generation_of(word) != tags->generation) {
		if (tags->next_id == tags->num_ids) {
			__atomic_store_n(&tags->generation, tags->generation + 1, __ATOMIC_RELAXED);
			tags->next_id = tags->first_id;
		}
		word = tags->generation << TLB_TAG_ID_BITS | tags->next_id++;
		__atomic_store_n(&tag->word, word, __ATOMIC_RELAXED);
	}
	arch_lock_give(&tags->lock);
	return word;
}

uint32_t tlb_tag_enter(struct tlb_tags *tags, struct tlb_tag *tag, uint32_t hart, bool *must_fence)
{
	// One look at both. A generation that begins right after it gives the id to another space,
	// but on this hart nobody enters that before this hart has fenced for the new generation.
	uint64_t word = __atomic_load_n(&tag->word, __ATOMIC_RELAXED);

	if (generation_of(word) != __atomic_load_n(&tags->generation, __ATOMIC_RELAXED))
		word = refresh(tags, tag);
	*must_fence = tags->hart_generation[hart] != generation_of(word) ||
		__atomic_load_n(&tags->num_ids, __ATOMIC_RELAXED) == 1;
	tags->hart_generation[hart] = generation_of(word);
	return (uint32_t)word & ID_MASK;
}
