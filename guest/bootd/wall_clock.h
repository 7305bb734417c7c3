// SPDX-License-Identifier: MIT
// What a fresh guest lacks: the time of day and entropy.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Sets the wall clock (nanoseconds since 1970, 0: leave it) and credits `size` bytes of entropy to
// the kernel's pool. A failure is not worth stopping for: the guest then runs with what it has.
void clock_and_entropy_set(uint64_t wall_time_ns, const uint8_t *entropy, size_t size);
