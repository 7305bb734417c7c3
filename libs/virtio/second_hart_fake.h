// SPDX-License-Identifier: MIT
//
// For fuzzers: a hart of the guest that changes its rings while the device looks at them.
#pragma once

#include <stdint.h>

// Changes bytes of the rings at `memory`, those of device_test.h's first four queues, until
// second_hart_stop.
void second_hart_start(uint8_t *memory, uint32_t seed);
// It touches the memory no more when this returns.
void second_hart_stop(void);
