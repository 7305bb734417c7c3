// SPDX-License-Identifier: MIT
//
// The one table of calls. X(number, name, argument count). Contracts are at the prototypes in
// libs/starina/syscall.h; each takes at most six words and points only to flat memory.
#pragma once

#define SYSCALL_TABLE(X)              \
	X(0, null_call, 0)            \
	X(1, handle_close, 1)         \
	X(2, handle_duplicate, 3)     \
	X(3, channel_create, 1)       \
	X(4, channel_send, 2)         \
	X(5, channel_recv, 2)         \
	X(6, poll_create, 1)          \
	X(7, poll_add, 4)             \
	X(8, poll_update, 4)          \
	X(9, poll_remove, 2)          \
	X(10, poll_wait, 5)           \
	X(11, timer_create, 1)        \
	X(12, timer_set, 2)           \
	X(13, event_create, 1)        \
	X(14, event_signal, 2)        \
	X(15, event_take, 2)          \
	X(16, interrupt_ack, 1)       \
	X(17, folio_create, 3)        \
	X(18, folio_map, 3)           \
	X(19, folio_unmap, 1)         \
	X(20, folio_info, 2)          \
	X(21, folio_discard, 3)       \
	X(22, thread_create, 4)       \
	X(23, thread_exit, 0)         \
	X(24, process_exit, 1)        \
	X(25, process_info, 2)        \
	X(26, process_kill, 1)        \
	X(27, service_connect, 2)     \
	X(28, service_accept, 2)      \
	X(29, random_get, 2)          \
	X(30, random_seed, 3)         \
	X(31, clock_get, 2)           \
	X(32, clock_set, 2)           \
	X(33, log_write, 3)           \
	X(34, system_power_off, 2)    \
	X(35, system_info, 2)         \
	X(36, system_start_app, 4)    \
	X(37, system_find_process, 4) \
	X(38, hvspace_create, 1)      \
	X(39, hvspace_map, 6)         \
	X(40, hvspace_unmap, 3)       \
	X(41, hvspace_bind_notify, 4) \
	X(42, vcpu_create, 3)         \
	X(43, vcpu_run, 3)            \
	X(44, vcpu_get_state, 2)      \
	X(45, vcpu_set_state, 2)      \
	X(46, vcpu_set_irq, 3)        \
	X(47, vcpu_kick, 1)           \
	X(48, vcpu_stats, 2)          \
	X(49, thread_yield, 0)        \
	X(50, poll_recv, 6)           \
	X(51, process_create, 3)      \
	X(52, process_map, 2)         \
	X(53, process_grant, 3)       \
	X(54, process_start, 3)       \
	X(55, service_create, 4)      \
	X(56, service_provide, 3)     \
	X(57, launcher_connector, 4)  \
	X(58, launcher_keep, 3)       \
	X(59, launcher_kept, 3)       \
	X(60, folio_create_with, 3)   \
	X(61, channel_maker, 2)       \
	X(62, look_read, 6)           \
	X(63, look_watch, 2)          \
	X(64, system_open_process, 3) \
	X(65, process_map_runtime, 4) \
	X(66, console_put, 3)

#define SYSCALL_MAX 67

#ifndef __ASSEMBLER__
#define X(number, name, argc) SYSCALL_NR_##name = (number),
enum { SYSCALL_TABLE(X) };
#undef X
#endif
