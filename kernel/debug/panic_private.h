// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// As panic(), for a fault at `pc` whose frame pointer is `fp`.
_Noreturn void panic_at(uintptr_t pc, uintptr_t fp, uintptr_t ra, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
// From the handler of kicks: stops this hart when another has panicked.
void panic_check_stop(void);
