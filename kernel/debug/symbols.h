// SPDX-License-Identifier: MIT
//
// The names of the functions in this image, kernel and apps. tools/build/symbols.sh makes the table
// after the first link.
#pragma once

#include <stdint.h>

// The function that `pc` is in, and how far; NULL when it is in none.
const char *symbol_find(uintptr_t pc, uintptr_t *offset);
