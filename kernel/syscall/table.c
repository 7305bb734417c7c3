// SPDX-License-Identifier: MIT
#include "kernel/syscall/table.h"

#include "kernel/syscall/syscall.h"

#define X(number, name, argc) [number] = sys_##name,
const syscall_handler_t syscall_table[SYSCALL_MAX] = { SYSCALL_TABLE(X) };
#undef X

// On the host, one set of handlers serves all callers.
#ifndef STARINA_HOST
error_t user_channel_send(SYSCALL_ARGS);
error_t user_channel_recv(SYSCALL_ARGS);
error_t user_poll_wait(SYSCALL_ARGS);
error_t user_poll_recv(SYSCALL_ARGS);
error_t user_vcpu_run(SYSCALL_ARGS);

// The later entry of a number counts.
#pragma GCC diagnostic ignored "-Woverride-init"
#define X(number, name, argc) [number] = sys_##name,
const syscall_handler_t user_syscall_table[SYSCALL_MAX] = {
	SYSCALL_TABLE(X)[SYSCALL_NR_channel_send] = user_channel_send,
	[SYSCALL_NR_channel_recv] = user_channel_recv,
	[SYSCALL_NR_poll_wait] = user_poll_wait,
	[SYSCALL_NR_poll_recv] = user_poll_recv,
	[SYSCALL_NR_vcpu_run] = user_vcpu_run,
};
#undef X
#endif
