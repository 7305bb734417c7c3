// SPDX-License-Identifier: MIT
#include "kernel/debug/symbols.h"

#include <stddef.h>

// The table: `count`, that many entries in ascending order, then their names, each terminated.
struct symbol_entry {
	uint32_t address;  // from the start of the text
	uint32_t name;     // from the start of the table
};

struct symbol_table {
	uint32_t count;
	uint32_t reserved;
	struct symbol_entry entries[];
};

extern const uint8_t __symbols_start[], __symbols_end[];
extern const uint8_t __text_start[], __text_end[];

const char *symbol_find_in(const uint8_t *names, uintptr_t base, size_t size, uintptr_t pc,
                           uintptr_t *offset)
{
	const struct symbol_table *table = (const struct symbol_table *)(uintptr_t)names;
	uintptr_t address = pc - base;
	size_t low = 0, high = table->count;

	if (pc < base || address >= size)
		return NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (table->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	*offset = address - table->entries[low - 1].address;
	return (const char *)table + table->entries[low - 1].name;
}

const char *symbol_find(uintptr_t pc, uintptr_t *offset)
{
	if (&__symbols_start[0] == &__symbols_end[0])
		return NULL;
	return symbol_find_in(__symbols_start, (uintptr_t)__text_start,
	                      (uintptr_t)__text_end - (uintptr_t)__text_start, pc, offset);
}
