// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Ends the machine: stops the other harts, prints the reason and a symbolised backtrace, powers off
// with a failure code. For broken kernel invariants only; nothing from outside may lead here.
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Logs a symbolised backtrace, one line a frame, from frame pointer `fp` and `pc`, under `who`
// ("kernel" or the app's name). `ra` is the register at `pc`, 0 when it is not known. Reads only
// through fault-protected loads: a corrupt stack ends it.
void backtrace_log(const char *who, uintptr_t pc, uintptr_t fp, uintptr_t ra);

// A kernel invariant; panics when it does not hold.
#define kassert(condition)                                                                    \
	do {                                                                                  \
		if (!(condition))                                                             \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition); \
	} while (0)
