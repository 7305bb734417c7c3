// SPDX-License-Identifier: MIT
//
// Signals as Docker's clients write them.
#pragma once

#include <stdint.h>

// Linux's number of a signal by name ("SIGTERM", "term", "RTMIN+3") or number; 0: there is none.
uint32_t signal_read(const char *text);
