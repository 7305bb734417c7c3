// SPDX-License-Identifier: MIT
//
// An app that makes random calls until it is ended. apps/syscall_fuzz, the service of the same
// name, says with what seed, and is told how far it got.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/message.h"

// To a caller, once.
struct msg_fuzz_begin {
	uint64_t seed;
	uint64_t fence_rarity;  // as in struct call_fuzz
};

// From a caller: so many more calls were made.
struct msg_fuzz_progress {
	uint64_t calls;
};

#define FUZZ_MESSAGES(X)                        \
	X(FUZZ_BEGIN, fuzz_begin, 250, 0, NONE) \
	X(FUZZ_PROGRESS, fuzz_progress, 251, 0, NONE)

enum { FUZZ_MESSAGES(MESSAGE_NUMBER) };
FUZZ_MESSAGES(MESSAGE_DECODER)
FUZZ_MESSAGES(MESSAGE_ENCODER)

// The main of each caller.
void call_fuzz_main(const struct environ *env);

// What each caller needs and provides besides; `name`: its own.
#define FUZZ_CALLER_NEEDS                                                          \
	{ NEED_SERVICE, "syscall_fuzz", NULL, 0 }, { NEED_LOOK, "look", NULL, 0 }, \
	{                                                                          \
		NEED_SYSTEM, "control", NULL, 0                                    \
	}
