// SPDX-License-Identifier: MIT
//
// Guest memory as a virtio device sees it: one range of guest-physical addresses, reached only
// through checked slices. The guest runs while we read: whatever decides anything is copied once,
// then validated.
#pragma once

#include "libs/abi/vm.h"
#include "libs/base/span.h"

struct guest_memory {
	gpa_t gpa;      // where the guest sees it
	uint8_t *base;  // where we do
	size_t size;
};

// The bytes [gpa, gpa + len) of the guest. Errors: ERR_ADDRESS when any of them is not guest
// memory.
static inline __must_check error_t guest_memory_slice(const struct guest_memory *mem, gpa_t gpa,
                                                      uint64_t len, struct mut_span *out)
{
	if (gpa < mem->gpa || !range_within(gpa - mem->gpa, len, mem->size))
		return ERR_ADDRESS;
	*out = (struct mut_span){ .data = mem->base + (gpa - mem->gpa), .len = (size_t)len };
	return 0;
}
