// SPDX-License-Identifier: MIT
#pragma once

#include "libs/abi/adversary.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

struct judge {
	const struct environ *env;
	handle_t system;
	handle_t peer;  // the echo app, in user mode
	bool failed;    // the running test
	unsigned num_passed;
	unsigned num_failed;
	unsigned num_starts;
};

struct test {
	const char *name;
	void (*run)(struct judge *j);
};

// How a deed is to end.
enum ending { ENDS_BY_FAULT, ENDS_DONE, ENDS_KILLED };

// An adversary at work.
struct adversary {
	handle_t process;
	handle_t channel;
};

extern const struct test memory_tests[];  // memory.c
extern const struct test call_tests[];    // calls.c
extern const struct test race_tests[];    // races.c

// The running test fails: logs what is not so, and where. For expect().
void test_failed(struct judge *j, const char *what, const char *file, int line);

// A condition that must hold for the test to pass; the test goes on.
#define expect(j, condition)                                            \
	do {                                                            \
		if (!(condition))                                       \
			test_failed(j, #condition, __FILE__, __LINE__); \
	} while (0)

// Now, in CLOCK_MONOTONIC.
nsec_t test_now(void);
// A deadline that is only reached when something is broken.
nsec_t test_deadline(void);
// Starts the adversary, and tells it what to do. False: the test has failed.
bool adversary_start(struct judge *j, const struct msg_adversary_do *deed, struct adversary *out);
// Waits for its end and closes the handles. Returns the status that it ended with;
// ADVERSARY_HARMLESS when it ended otherwise than it should.
int adversary_end(struct judge *j, struct adversary *adversary, enum ending ending);
// Both: a deed in which the judge has no part.
int adversary_does(struct judge *j, uint32_t deed, uint64_t address, uint32_t rounds,
                   enum ending ending);
// The peer answers.
void expect_peer_answers(struct judge *j);
// Takes a folio with `size` bytes, looks whether they are zero, fills them with
// ADVERSARY_SECRET, and looks whether they stay so.
void expect_memory_is_ours(struct judge *j, size_t size);
// An address in a boot argument.
uint64_t config_address(struct judge *j, const char *name);
