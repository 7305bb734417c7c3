// SPDX-License-Identifier: MIT
//
// The half of the hypervisor that is RISC-V code, and guests that do at random what concerns the
// portable half.
#pragma once

#include <stdint.h>

// Decides what guests do: a number below `bound`. Set before the first call.
extern uint64_t (*guest_fake_choose)(uint64_t bound);
