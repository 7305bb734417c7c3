// SPDX-License-Identifier: MIT
//
// What the programs that try a file system share: random numbers by a seed, and how they fail.
// Usage of each: PROGRAM PATH SEED STEPS. A run with the same seed does the same.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state;
static unsigned long step;

static inline uint32_t any(uint32_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random_state >> 33) % below);
}

#define FAIL(...)                                                             \
	do {                                                                  \
		fprintf(stderr, "step %lu, line %d: ", step, __LINE__);       \
		fprintf(stderr, __VA_ARGS__);                                 \
		fprintf(stderr, " (errno %d: %s)\n", errno, strerror(errno)); \
		exit(1);                                                      \
	} while (0)
#define MUST(condition)                         \
	do {                                    \
		if (!(condition))               \
			FAIL("%s", #condition); \
	} while (0)
