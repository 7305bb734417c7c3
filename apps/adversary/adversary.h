// SPDX-License-Identifier: MIT
#pragma once

#include "libs/abi/adversary.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define NUM_WRITERS 3
// Longer than anything takes.
#define PATIENCE (60 * NSEC_PER_SEC)

// A condition that must hold, or the process ends with the number of the line.
#define check(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			log_error("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
			process_exit(__LINE__);                                         \
		}                                                                       \
	} while (0)

// A deed; ends the process. `judge`: the channel to it.
struct deed {
	uint32_t deed;
	uint32_t rounds;
	uint64_t address;
	handle_t judge;
	const struct environ *env;
};

// The deeds: touch.c, privileged.c, calls.c, registers.c, races.c, exhaust.c.
void deed_touch(const struct deed *deed);
void deed_privileged(const struct deed *deed);
void deed_calls(const struct deed *deed);
void deed_registers(const struct deed *deed);
void deed_race(const struct deed *deed);
void deed_exhaust(const struct deed *deed);

// Now, in CLOCK_MONOTONIC.
nsec_t now(void);
// A folio, mapped for writing.
handle_t make_folio(size_t size, uint32_t flags, void **out);
// Sends the folio to the judge; HANDLE_NONE: only a word. Waits while the channel is full.
void send_folio(handle_t judge, uint64_t round, handle_t folio);
// Waits until the process is ended; if it is not in time, that is told to the judge.
_Noreturn void wait_for_fault(void);
