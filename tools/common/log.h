// SPDX-License-Identifier: MIT
//
// Log lines of the host tools, on stderr, in the same form as the kernel's and the apps'.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Sets the name shown in this program's lines. `name` must stay valid.
void log_init(const char *name);

// From now on warnings and errors only; progress is not shown either.
void log_quiet(void);

__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

// A step that may take long. Nothing is printed in its first second; then a line says what it does
// and how far it is: on a terminal one that changes, else one every few seconds.
struct progress {
	const char *what;
	uint64_t total;  // bytes; 0: not known
	uint64_t started_ms;
	uint64_t next_ms;
	uint64_t done;
	bool shown;
	bool terminal;
};

// `what` must stay valid until progress_end().
void progress_begin(struct progress *progress, const char *what, uint64_t total);
// `done` bytes are behind us. Cheap enough for each block.
void progress_update(struct progress *progress, uint64_t done);
// Says that the step is done if it ever said that it goes on.
void progress_end(struct progress *progress);

// Milliseconds of the monotonic clock.
uint64_t clock_ms(void);
