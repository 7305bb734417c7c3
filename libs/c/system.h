// SPDX-License-Identifier: MIT
//
// What this library asks of the system about time. In a file of its own, because <time.h> and
// libs/starina/syscall.h have some names in common and do not go into one file.
#pragma once

#include <stdint.h>

// Nanoseconds since 1970. Until the clock is set it stands at 1970 at power-on, and goes on from
// there.
uint64_t system_wall_clock(void);
// Nanoseconds since power-on.
uint64_t system_monotonic_clock(void);
// Lets other threads run.
void system_yield(void);
