// SPDX-License-Identifier: MIT
//
// What libs/ext4 has of libs/starina, for tests: a heap that may fail, and a log.
#pragma once

#include <stdint.h>

// The so-many-th allocation from now on fails, once; 0: none.
void host_fake_fail_memory(uint32_t nth);
// Allocations that were not freed.
uint32_t host_fake_allocated(void);
// The last line of the log.
extern char host_fake_log[512];
