// SPDX-License-Identifier: MIT
//
// The names of the functions in this image, kernel and apps. tools/build/symbols.sh makes the table
// after the first link.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The function that `pc` is in, and how far; NULL when it is in none.
const char *symbol_find(uintptr_t pc, uintptr_t *offset);
// Another table of that layout, of functions in [base, base + size): an app's in user mode. Nothing
// is assumed of its bytes but that they do not change.
struct symbol_source {
	const uint8_t *table;  // 8-aligned; NULL: none
	size_t table_size;     // SIZE_MAX: it is one of the image's, and right
	uintptr_t base;
	size_t size;
};
// The same in that table.
const char *symbol_find_in(const struct symbol_source *source, uintptr_t pc, uintptr_t *offset);
