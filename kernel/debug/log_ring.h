// SPDX-License-Identifier: MIT
//
// The last lines of the log, for who looks (LOOK_LOG, libs/abi/look.h). Numbered from 1 on. One
// lock, held to copy one line: so none is ever seen in part.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libs/abi/look.h"

// Adds a line; the oldest make room. Any context, any lock held.
void log_ring_add(const char *app, enum log_level level, const char *text, size_t len, nsec_t now);
// The line `sequence`, or the first one after it that is left. Returns false when there is none
// yet.
bool log_ring_read(uint64_t sequence, struct look_line *line, char text[LOOK_LINE_MAX]);
// The number of the next line.
uint64_t log_ring_next(void);
