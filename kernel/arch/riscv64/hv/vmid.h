// SPDX-License-Identifier: MIT
//
// VMIDs: the tags by which a hart's TLB tells guests apart. When all are given out, a new
// generation begins: every hart fences once, and each space takes a new one at its next entry.
// RISC-V privileged specification, register hgatp.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VMID_MAX_BITS 14

// Zeroed: it never had one.
struct vmid {
	uint64_t tag;  // generation and id in one word, so that nobody reads one of each; atomic
};

// `bits`: what all harts implement; may be 0. Id 0 is for hgatp's Bare mode, in which a hart is
// between guests: an id whose mode changes would have to be fenced each time. With no bits it is
// the guests' too.
void vmid_init(unsigned bits);
// The id, of the current generation, that `*vmid` is entered with now. `*must_fence` says whether
// this hart (index `hart`) must fence all guest translations first. Context: on that hart,
// interrupts off.
uint32_t vmid_enter(struct vmid *vmid, uint32_t hart, bool *must_fence);
