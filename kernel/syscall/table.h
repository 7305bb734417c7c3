// SPDX-License-Identifier: MIT
//
// The table of calls: the assembly of the call's entry picks by number and passes six words in
// registers.
#pragma once

#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/syscall.h"

typedef error_t (*syscall_handler_t)(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3,
                                     uintptr_t a4, uintptr_t a5);

// A handler for each number below SYSCALL_MAX; none is NULL. They run on the thread's kernel stack
// with interrupts off; the entry calls sched_return_to_app() before it goes back to the app.
extern const syscall_handler_t syscall_table[SYSCALL_MAX];
// The same for callers in user mode.
extern const syscall_handler_t user_syscall_table[SYSCALL_MAX];
