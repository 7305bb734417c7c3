// SPDX-License-Identifier: MIT
//
// The host's threads are fibers of one host thread (ucontext), so that tests run deterministically.
#pragma once

#include <stddef.h>
#include <ucontext.h>

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
};
