// SPDX-License-Identifier: MIT
//
// Between the files of the fake machine.
#pragma once

// Begins each test anew: empty memory, an empty log.
void host_memory_init(void);
// See above.
void host_log_init(void);
void host_harts_init(void);
// Once: the worker runs, and waits, before a test counts what there is.
void host_start_worker(void);
