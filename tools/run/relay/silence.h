// SPDX-License-Identifier: MIT
//
// A machine whose firmware has not said a word: it hangs, or other programs keep it from running.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct silence {
	uint64_t due_at;  // when to call silence_is_over(), in clock_ms() terms; UINT64_MAX: never
	uint64_t starved;
	unsigned periods;
};

// Begins at `now` (clock_ms() terms).
void silence_begin(struct silence *silence, uint64_t now);
// Whether the machine, silent still at `now`, will never speak. `starved` is how long it has waited
// for a processor since it was started, in milliseconds. If it returns false, `due_at` is new.
bool silence_is_over(struct silence *silence, uint64_t now, uint64_t starved);
// How long the threads of a process have waited for a processor, in milliseconds, of the one that
// waited longest; 0 where the kernel does not count it (proc(5), /proc/PID/schedstat).
uint64_t process_starved(pid_t pid);
