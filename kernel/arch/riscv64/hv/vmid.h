// SPDX-License-Identifier: MIT
//
// VMIDs: the tags by which a hart's TLB tells guests apart. RISC-V privileged specification,
// register hgatp. Id 0 is for hgatp's Bare mode, in which a hart is between guests: an id whose
// mode changes would have to be fenced each time. With no bits it is the guests' too.
#pragma once

#include "kernel/arch/riscv64/tlb_tag.h"

#define VMID_MAX_BITS 14

extern struct tlb_tags vmids;
