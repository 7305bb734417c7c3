// SPDX-License-Identifier: MIT
//
// Between the files of the fake machine.
#pragma once

struct hart;
struct thread;

// Begins each test anew: empty memory, an empty log.
void host_memory_init(void);
// See above.
void host_log_init(void);
void host_harts_init(void);
// Once.
void host_user_mode_init(void);
// The part of a switch to `next` that is about its address space.
void host_switch_space(struct hart *hart, const struct thread *next);
// Once: the worker runs, and waits, before a test counts what there is.
void host_start_worker(void);
