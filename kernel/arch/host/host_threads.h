// SPDX-License-Identifier: MIT
//
// The host's threads, apart: their headers and the kernel's use the same names.
#pragma once

#include <stdint.h>

// Starts a host thread; waits for its end.
uintptr_t host_thread_start(void *(*entry)(void *arg), void *arg);
// See host_thread_start.
void host_thread_join(uintptr_t thread);
// Sleeps while the word is 0, or for less; wakes who sleeps. Neither orders any memory.
void host_futex_wait(uint32_t *word);
// See host_futex_wait.
void host_futex_wake(uint32_t *word);
// Lets other host threads run, for a moment.
void host_thread_pause(void);
