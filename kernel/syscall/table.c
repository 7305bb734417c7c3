// SPDX-License-Identifier: MIT
#include "kernel/syscall/table.h"

#include "kernel/syscall/syscall.h"

#define X(number, name, argc) [number] = sys_##name,
const syscall_handler_t syscall_table[SYSCALL_MAX] = { SYSCALL_TABLE(X) };
#undef X
