// SPDX-License-Identifier: MIT
//
// look_read and look_watch for host tests: what they tell is what the test has set.
#pragma once

#include "libs/starina/syscall.h"

#define FAKE_LOOK_KINDS 16u

// Any other handle is ERR_BAD_HANDLE.
#define FAKE_LOOK 0x100001

extern struct fake_look {
	struct {
		const void *bytes;  // records of the kind; of the log and the trace what look_read
				    // gives, with its struct look_ring
		size_t size;
		uint64_t argument;  // of the last call
	} kinds[FAKE_LOOK_KINDS];
	error_t error;  // what the next calls return; 0: they succeed
	uint64_t watches;
	unsigned calls;  // of look_read
} fake_look;
