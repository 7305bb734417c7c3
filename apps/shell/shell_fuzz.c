// SPDX-License-Identifier: MIT
//
// Keys of any kind become lines and words; documents of any kind become tables of what a terminal
// does not obey.
#include <stdlib.h>
#include <string.h>

#include "apps/shell/arguments.h"
#include "apps/shell/line.h"
#include "apps/shell/table.h"
#include "libs/starina/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *ptr)
{
	free(ptr);
}

static void words_check(char *text)
{
	struct arguments arguments;
	size_t len = strlen(text), words = 0;

	if (arguments_split(text, &arguments) != NULL)
		return;
	for (size_t i = 0; i < arguments.count; i++)
		words += strlen(arguments.words[i]) + 1;
	if (words > len + 1)
		abort();
}

static void type(const uint8_t *data, size_t size)
{
	static struct line line;
	char echo[LINE_ECHO_MAX];

	memset(&line, 0, sizeof(line));
	for (size_t i = 0; i < size; i++) {
		if (line_take(&line, data[i], echo) == LINE_NONE)
			continue;
		line_next(&line);
		if (line.num_history > 0) {
			char text[LINE_SIZE];

			memcpy(text, line.history[0], sizeof(text));
			words_check(text);
		}
	}
	if (line.len >= LINE_SIZE || line.text[line.len] != '\0')
		abort();
}

static void put(struct text_sink *sink, const char *text, size_t len)
{
	(void)sink;
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)text[i] < 0x20 && text[i] != '\n')
			abort();
	}
}

static void show(const uint8_t *data, size_t size)
{
	static const struct column columns[] = {
		{ "A", "a", COLUMN_NUMBER }, { "B", "b", COLUMN_TEXT }, { "C", "c", COLUMN_TIME },
		{ "D", "d", COLUMN_SIZE },   { "E", "e", COLUMN_NAME }, { "F", "f", COLUMN_NAMES },
	};
	struct table table = { .columns = columns, .num_columns = 6 };
	struct json_reader r = json_reader_make((struct span){ data, size });
	struct text_sink sink = { put };

	if (table_read(&table, &r) == 0)
		table_write(&table, &sink);
	table_deinit(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	type(data, size);
	show(data, size);
	return 0;
}
