// SPDX-License-Identifier: MIT
//
// The host's threads are fibers (ucontext): of one host thread, so that tests run
// deterministically, or of as many as the test has harts.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "libs/abi/time.h"

// With several harts: others come in between, now and then, where they hardly ever would. Not there
// in programs without harts.
void host_come_between(void) __attribute__((weak));

static inline bool arch_lock_take(uint32_t *word)
{
	if (host_come_between != NULL)
		host_come_between();
	return __atomic_exchange_n(word, 1u, __ATOMIC_ACQUIRE) == 0;
}
static inline void arch_lock_give(uint32_t *word)
{
	__atomic_store_n(word, 0u, __ATOMIC_RELEASE);
	if (host_come_between != NULL)
		host_come_between();
}

struct arch_thread {
	ucontext_t context;
	void *stack;
	size_t stack_size;
	void (*entry)(void *arg);
	void *arg;
	void *sanitizer;  // its own idea of the fiber

	// Whether a hart runs it, or has not saved it yet. Not atomic on purpose: the scheduler
	// alone keeps two harts from it, and ThreadSanitizer sees when it does not.
	bool running;
};

struct arch_hart {
	uint32_t kicks;          // not handled yet; atomic
	nsec_t timer;            // the hardware timer; atomic
	struct thread *leaving;  // whom the hart is switching away from
	uint32_t irq_target;     // as on riscv64, for the tests of the device tree
	bool has_irq_target;

	// As on riscv64.
	struct arch_space *space;
	struct arch_space *running_space;
	struct arch_space *held_space;
	bool space_stale;
	bool fp_zeroed;
	bool evict_space;
};

// As on riscv64.
struct hart *arch_thread_hart(void);
// The clock, in nanoseconds.
uint64_t arch_ticks(void);
// The space of the process that calls, if it has one of its own; else NULL.
struct arch_space *arch_current_space(void);
