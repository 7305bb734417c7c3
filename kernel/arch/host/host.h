// SPDX-License-Identifier: MIT
//
// The fake machine that unit tests run on: one or more harts that the test drives, a clock that
// only the test moves, RAM in a memory file (so that the mapping area maps it a second time, as the
// MMU does).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/time.h"

struct process;

// A fresh machine. Each test begins with it.
void host_init(void);
// Runs the hart's idle loop, and so the worker and all other threads, until nothing is left to do;
// the clock moves to the next deadline when all wait, up to `until`. The test's own stack is the
// idle thread's.
void host_run(nsec_t until);
// The same with `count` harts, each a host thread, until all of them sleep. The clock moves only
// then.
void host_run_harts(uint32_t count);
// Whether a hart sleeps and no kick is on its way. Of use to who waits for something that a
// sleeping hart should be doing.
bool host_some_hart_sleeps(void);
// Makes handlers of calls see `process` as the caller, on the test's own stack. NULL ends that.
void host_enter_process(struct process *process);
// What threads of user-mode processes run that begin at an address which no function of the host's
// has: a program that is mapped there is not looked at. User addresses end at USER_END, below.
extern void (*host_program)(void *arg);
#define HOST_LOWEST_CODE 0x4000000000ul
// The interrupt that is pending at each preemption point; NULL: none, as after host_init.
extern void (*host_pending)(void);
// The clock.
void host_advance(nsec_t delta);

// kmalloc fails from the `n`th call on, n from 1; 0: never.
void host_fail_kmalloc(unsigned n);
// Blocks that kmalloc gave and kfree has not got back.
size_t host_kmalloc_live(void);
// What klog wrote since host_init.
const char *host_log(void);
// Whether an interrupt line is enabled, and unmasked.
bool host_irq_enabled(uint32_t irq);
bool host_irq_unmasked(uint32_t irq);
// The hart's timer.
nsec_t host_timer(void);
// Whether the machine has the H extension; false after host_init.
void host_set_hypervisor(bool there);
