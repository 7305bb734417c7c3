// SPDX-License-Identifier: MIT
// The victim app of the tests: it faults in the way it is asked to.
#pragma once

#include "libs/abi/message.h"

enum victim_fault {
	VICTIM_LOAD_NULL,
	VICTIM_STORE_RODATA,
	VICTIM_JUMP_TO_DATA,
	VICTIM_STACK_OVERFLOW,
	VICTIM_STACK_OVERFLOW_IN_CALL,  // a call made with almost no stack left

	// a call with a pointer to nowhere: ERR_ADDRESS, then assert
	VICTIM_BAD_POINTER,
	VICTIM_ASSERT,
	VICTIM_ILLEGAL_INSTRUCTION,
	VICTIM_EXIT,
	VICTIM_NUM_FAULTS,
};

struct msg_victim_fault {
	uint32_t fault;
};

// Asks, and answers: how often the victim was started, by its kept memory.
struct msg_victim_starts {
	uint64_t starts;
};

#define VICTIM_MESSAGES(X)                                            \
	X(VICTIM_FAULT, victim_fault, 240, MESSAGE_MAX_HANDLES, NONE) \
	X(VICTIM_STARTS, victim_starts, 241, 0, NONE)

enum { VICTIM_MESSAGES(MESSAGE_NUMBER) };
VICTIM_MESSAGES(MESSAGE_DECODER)
VICTIM_MESSAGES(MESSAGE_ENCODER)
