// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "libs/abi/time.h"

// Before the first arch_clock_now(), once.
void clock_init(void);
// Says how many ticks a second has; clock_init's part.
void ticks_init(uint64_t frequency);
// Ticks of `time` at the given CLOCK_MONOTONIC, rounded up; NSEC_NEVER gives UINT64_MAX.
uint64_t clock_ticks_of(nsec_t when);
// CLOCK_MONOTONIC at the given tick; NSEC_NEVER when that is beyond what it can tell.
nsec_t clock_of_ticks(uint64_t ticks);
