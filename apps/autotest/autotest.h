// SPDX-License-Identifier: MIT
//
// Tests of the running system from within, one after the other. The last line tells the sum, then
// the machine goes off.
#pragma once

#include "libs/base/fmt.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

struct autotest {
	const struct environ *env;
	handle_t system;
	uint64_t percent;  // of the rounds of what is done very often
	bool failed;       // the running test
	unsigned num_passed;
	unsigned num_failed;
};

struct test {
	const char *name;
	void (*run)(struct autotest *t);
};

extern const struct test channel_tests[];
extern const struct test poll_tests[];
extern const struct test recv_tests[];
extern const struct test memory_tests[];
extern const struct test thread_tests[];
extern const struct test race_tests[];
extern const struct test fault_tests[];
extern const struct test service_tests[];
extern const struct test launch_tests[];
extern const struct test look_tests[];
extern const struct test vm_tests[];
extern const struct test vm_register_tests[];
extern const struct test vm_fault_tests[];
extern const struct test vm_sbi_tests[];
extern const struct test vm_share_tests[];
extern const struct test vm_stress_tests[];
extern const struct test blk_tests[];
extern const struct test stream_tests[];
extern const struct test switch_tests[];
extern const struct test udp_tests[];
extern const struct test device_tests[];
extern const struct test seed_tests[];

// The running test fails: logs what is not so, and where. For expect().
void test_failed(struct autotest *t, const char *what, const char *file, int line);

// A condition that must hold for the test to pass; the test goes on.
#define expect(t, condition)                                            \
	do {                                                            \
		if (!(condition))                                       \
			test_failed(t, #condition, __FILE__, __LINE__); \
	} while (0)

// How many of `all` rounds this run makes: at least one.
uint32_t test_rounds(const struct autotest *t, uint32_t all);
// The same for a test that ends with test_settles(): so many that it sees what each round leaks.
uint32_t test_leak_rounds(const struct autotest *t, uint32_t all);
// Now, in CLOCK_MONOTONIC.
nsec_t test_now(void);
// A deadline that is only reached when something is broken.
nsec_t test_deadline(void);
struct system_info test_system_info(struct autotest *t);
// Waits until free memory, handles and objects are about what they were: what a process leaves is
// freed a little later than its end is seen. Returns false, and logs the figures, when they are not
// in time.
bool test_settles(struct autotest *t, const struct system_info *before);
