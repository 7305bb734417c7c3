// SPDX-License-Identifier: MIT
//
// The numbers by which a hart's TLB tells address spaces apart: ASIDs of processes, VMIDs of
// guests. When all are given out, a new generation begins: every hart fences once, and each space
// takes a new number at its next entry. RISC-V privileged specification, registers satp and hgatp.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TLB_TAG_MAX_HARTS 16u
#define TLB_TAG_ID_BITS 17

// One kind of numbers.
struct tlb_tags {
	uint32_t lock;  // guards all but `generation` and `num_ids`, which are read without it, too
	uint64_t generation;
	uint32_t next_id;
	uint32_t first_id;
	uint32_t num_ids;
	// The generation in which each hart has fenced. Only its own hart touches an entry.
	uint64_t hart_generation[TLB_TAG_MAX_HARTS];
};

// A space's number. Zeroed: it never had one.
struct tlb_tag {
	uint64_t word;  // generation and id in one, so that nobody reads one of each; atomic
};

// `bits`: what all harts implement, at most 16; may be 0. Id 0 is nobody's, but with no bits it is
// everybody's.
void tlb_tags_init(struct tlb_tags *tags, unsigned bits);
// A hart comes that implements but `bits`, while others use them.
void tlb_tags_shrink(struct tlb_tags *tags, unsigned bits);
// Whether the hart has fenced for the generation of the tag, which is the current one. `*id`: its
// id.
static inline bool tlb_tag_is_current(const struct tlb_tags *tags, const struct tlb_tag *tag,
                                      uint32_t hart, uint32_t *id)
{
	uint64_t word = __atomic_load_n(&tag->word, __ATOMIC_RELAXED);
	uint64_t generation = word >> TLB_TAG_ID_BITS;

	*id = (uint32_t)word & ((1u << TLB_TAG_ID_BITS) - 1);
	return generation == __atomic_load_n(&tags->generation, __ATOMIC_RELAXED) &&
		generation == tags->hart_generation[hart] &&
		__atomic_load_n(&tags->num_ids, __ATOMIC_RELAXED) != 1;
}
// The id, of the current generation, that `*tag` is entered with now. `*must_fence` says whether
// this hart (index `hart`) must fence all translations of this kind first. Context: on that hart,
// interrupts off.
uint32_t tlb_tag_enter(struct tlb_tags *tags, struct tlb_tag *tag, uint32_t hart, bool *must_fence);
