// SPDX-License-Identifier: MIT
//
// VMIDs: the tags by which a hart's TLB tells guests apart. When all are given out, a new generation begins: every hart fences once,
// and each space takes a new one at its next entry. RISC-V privileged specification, register hgatp.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vmid {
	uint64_t generation;  // 0: never had one
	uint32_t id;
};

// `bits`: what the harts implement; may be 0 (then every entry after another space's fences).
void vmid_init(unsigned bits);
// Makes `*vmid` one of the current generation. Returns whether this hart (index `hart`) must fence all guest translations before it
// enters with it. Context: on that hart, interrupts off.
bool vmid_refresh(struct vmid *vmid, uint32_t hart);
