// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Nanoseconds, of a duration or since a clock's origin.
typedef uint64_t nsec_t;
#define NSEC_NEVER UINT64_MAX
#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

enum clock_id {
	CLOCK_MONOTONIC = 0,  // since power-on
	CLOCK_WALL = 1,       // since 1970-01-01 UTC; ERR_NOT_READY until the rtc app has set it
};
