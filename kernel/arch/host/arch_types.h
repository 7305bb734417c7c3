// SPDX-License-Identifier: MIT
//
// The host's threads are fibers of one host thread (ucontext), so that tests run deterministically.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

static inline bool arch_lock_take(uint32_t *word)
{
	return __atomic_exchange_n(word, 1u, __ATOMIC_ACQUIRE) == 0;
}
static inline void arch_lock_give(uint32_t *word)
{
	__atomic_store_n(word, 0u, __ATOMIC_RELEASE);
}

struct arch_thread {
	ucontext_t context;
	void *stack;
	size_t stack_size;
	void (*entry)(void *arg);
	void *arg;
	void *asan_stack;  // the sanitizer's
};

struct arch_hart {
	int kicks;
	uint32_t irq_target;  // as on riscv64, for the tests of the device tree
	bool has_irq_target;
};
