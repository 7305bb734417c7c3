// SPDX-License-Identifier: MIT
//
// Processes made at run time, of a few instructions each.
#pragma once

#include "apps/autotest/autotest.h"

#define PROGRAM_TEXT 0x10000u
#define PROGRAM_DATA 0x20000u
#define PROGRAM_MAX 32u

// What it does is said at each.
extern const uint32_t program_exits[PROGRAM_MAX];   // ends with the first word of its data
extern const uint32_t program_faults[PROGRAM_MAX];  // stores to address 0
extern const uint32_t program_writes_text[PROGRAM_MAX];
extern const uint32_t program_runs_data[PROGRAM_MAX];
extern const uint32_t program_waits[PROGRAM_MAX];  // for ever
extern const uint32_t
	program_answers[PROGRAM_MAX];  // accepts a client of handle 1, and ends with 5

// A folio with the program, and behind it, from PAGE_SIZE on, a page that begins with the word 77.
// Nobody can write to it again. HANDLE_NONE, and the test has failed, without one.
handle_t launch_folio(struct autotest *t, const uint32_t *program);
// A process of the folio with text and data, not started. HANDLE_NONE, and the test has failed,
// without one.
handle_t launch_make(struct autotest *t, const char *name, handle_t folio);
error_t launch_start(handle_t process);
// Makes and starts one.
handle_t launch(struct autotest *t, const char *name, const uint32_t *program);
// Waits until it has ended, and closes it.
struct process_info launch_end(struct autotest *t, handle_t process);
