// SPDX-License-Identifier: MIT
#include "kernel/debug/symbols.h"

#include <stdbool.h>
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

// Whether the entries are there, and each name that begins in the table ends in it.
static bool is_whole(const struct symbol_source *source)
{
	const struct symbol_table *table = (const struct symbol_table *)(const void *)source->table;

	if (source->table == NULL || source->table_size == SIZE_MAX)
		return source->table != NULL;
	return source->table_size > sizeof(*table) &&
		table->count <=
		(source->table_size - sizeof(*table)) / sizeof(struct symbol_entry) &&
		source->table[source->table_size - 1] == '\0';
}

const char *symbol_find_in(const struct symbol_source *source, uintptr_t pc, uintptr_t *offset)
{
	const struct symbol_table *table = (const struct symbol_table *)(const void *)source->table;
	uintptr_t address = pc - source->base;
	size_t low = 0, high;

	if (!is_whole(source) || pc < source->base || address >= source->size)
		return NULL;
	high = table->count;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (table->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || table->entries[low - 1].name >= source->table_size)
		return NULL;
	*offset = address - table->entries[low - 1].address;
	return (const char *)table + table->entries[low - 1].name;
}

const char *symbol_find(uintptr_t pc, uintptr_t *offset)
{
	if (&__symbols_start[0] == &__symbols_end[0])
		return NULL;
	const struct symbol_source image = { .table = __symbols_start,
		                             .table_size = SIZE_MAX,
		                             .base = (uintptr_t)__text_start,
		                             .size = (uintptr_t)__text_end -
		                                     (uintptr_t)__text_start };

	return symbol_find_in(&image, pc, offset);
}
