// SPDX-License-Identifier: MIT
//
// The adversary of the tests: an app in user mode that does what it is told to, against the rules.
// It connects to its judge (apps/adversary_test), is told one deed, and ends by it.
#pragma once

#include "libs/abi/message.h"

enum adversary_deed {
	// What `address` names is touched. Should end by a fault.
	ADVERSARY_LOAD,
	ADVERSARY_STORE,
	ADVERSARY_JUMP,
	ADVERSARY_OWN_TEXT,      // stores into its own text
	ADVERSARY_OWN_CONSTANT,  // and read-only data
	ADVERSARY_JUMP_DATA,     // runs its data
	ADVERSARY_JUMP_STACK,    // and its stack
	ADVERSARY_JUMP_FOLIO,    // and a folio
	ADVERSARY_OLD_STACK,     // uses the stack of a thread that has ended
	ADVERSARY_OLD_FOLIO,     // uses a folio that it closed
	ADVERSARY_SENT_FOLIO,    // uses a folio that it sent
	ADVERSARY_UNMAPPED_FOLIO,
	ADVERSARY_SHARED_FOLIO,  // writes to a folio that it duplicated
	ADVERSARY_BAD_THREAD,    // a thread that begins at `address`

	// Runs the instruction number `address`. Ends by a fault, or ADVERSARY_NO_SUCH.
	ADVERSARY_PRIVILEGED,

	// Gives `address` to all calls as a pointer. Ends with ADVERSARY_DONE, or with the number
	// of the line of the check that failed, as the next ones do.
	ADVERSARY_POINTERS,
	ADVERSARY_EDGES,      // the same with memory of its own that ends too early
	ADVERSARY_ALL_CALLS,  // all numbers, with the address and others in all places
	ADVERSARY_REGISTERS,
	ADVERSARY_FP,

	// Other threads write to folios, of `address` bytes, while they are sent to the judge. Ends
	// by a fault; the second one writes through calls, and ends with ADVERSARY_DONE.
	ADVERSARY_RACE_SEND,
	ADVERSARY_RACE_SEND_CALLS,
	// The same with a duplicate.
	ADVERSARY_RACE_SHARE,
	ADVERSARY_RACE_SHARE_CALLS,
	// They write and read through calls while folios are closed; and discarded.
	ADVERSARY_RACE_CLOSE_CALLS,
	ADVERSARY_RACE_DISCARD,

	// Takes all that it can get. Ends with ADVERSARY_DONE.
	ADVERSARY_ALL_THREADS,
	ADVERSARY_ALL_HANDLES,
	ADVERSARY_ALL_FOLIOS,
	ADVERSARY_ALL_MAPPINGS,
	ADVERSARY_ALL_CHANNELS,
	ADVERSARY_ALL_TIMERS,
	ADVERSARY_SPIN,  // on all harts, until it is killed
	ADVERSARY_EXIT,
};

// What process_exit() is told.
enum adversary_status {
	ADVERSARY_NO_SUCH = -1,   // there is no such instruction
	ADVERSARY_HARMLESS = -2,  // what should have been a fault was none
	ADVERSARY_SAW = -3,       // read what is the judge's
	ADVERSARY_DONE = -4,
};

// What the judge writes into memory of its own: nobody else may ever see it.
#define ADVERSARY_SECRET 0x5ec2e7005ec2e700ull

struct msg_adversary_do {
	uint32_t deed;
	uint32_t rounds;  // of the races
	uint64_t address;
};

// From the adversary: it is at work; or a folio that it has sent away and writes to all the same.
struct msg_adversary_folio {
	uint64_t round;
};

#define ADVERSARY_MESSAGES(X)                       \
	X(ADVERSARY_DO, adversary_do, 244, 0, NONE) \
	X(ADVERSARY_FOLIO, adversary_folio, 245, 1, NONE)

enum { ADVERSARY_MESSAGES(MESSAGE_NUMBER) };
ADVERSARY_MESSAGES(MESSAGE_DECODER)
ADVERSARY_MESSAGES(MESSAGE_ENCODER)
