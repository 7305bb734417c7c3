// SPDX-License-Identifier: MIT
//
// The names of the functions in this image, kernel and apps. tools/build/symbols.sh makes the table
// after the first link.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The function that `pc` is in, and how far; NULL when it is in none.
const char *symbol_find(uintptr_t pc, uintptr_t *offset);
// The same in another table of that layout, of functions in [base, base + size): an app's in user
// mode (struct user_image).
const char *symbol_find_in(const uint8_t *table, uintptr_t base, size_t size, uintptr_t pc,
                           uintptr_t *offset);
