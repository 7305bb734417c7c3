// SPDX-License-Identifier: MIT
//
// A page allocator of the host's heap, for tests: a physical address is the host's own.
#pragma once

#include "kernel/mm/page.h"

extern int pages_out;   // given and not freed
extern int pages_left;  // before memory is out; < 0: no end
