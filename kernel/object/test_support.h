// SPDX-License-Identifier: MIT
//
// For the tests of kernel/object and kernel/syscall: a process of its own for each test, calls as
// that process makes them, and a check that the test has left nothing behind.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/host/host.h"
#include "kernel/mm/page.h"
#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/work.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/message.h"
#include "libs/abi/poll.h"

// The process that the test's own calls come from.
extern struct process *self;
// An app image that owns all memory, so that the checks of debug builds pass.
extern const struct app_image everything;

// Around each test, as cmocka calls them: a fresh machine with `self` in it; everything ended and
// given back.
int test_setup(void **state);
// See test_setup.
int test_teardown(void **state);
// Ends `self` and begins a new one with these limits.
void test_limits(uint32_t handles, uint64_t memory);
// Ends a process without threads, or with blocked ones, and lets go of it.
void test_end(struct process *process);

#define test_case(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

#define CALL_1(name, a) sys_##name((uintptr_t)(a), 0, 0, 0, 0, 0)
#define CALL_2(name, a, b) sys_##name((uintptr_t)(a), (uintptr_t)(b), 0, 0, 0, 0)
#define CALL_3(name, a, b, c) sys_##name((uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c), 0, 0, 0)
#define CALL_4(name, a, b, c, d) \
	sys_##name((uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c), (uintptr_t)(d), 0, 0)
#define CALL_5(name, a, b, c, d, e)                                                                \
	sys_##name((uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c), (uintptr_t)(d), (uintptr_t)(e), \
	           0)

// A message of `type` with one handle (HANDLE_NONE: none) and no data.
struct message test_message(uint32_t type, handle_t handle);
// What poll_wait reports without waiting: the READY_* bits of `cookie`, 0 when it is not reported.
uint32_t test_ready(handle_t poll, uint64_t cookie);
