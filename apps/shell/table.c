// SPDX-License-Identifier: MIT
#include "apps/shell/table.h"

#include <stdarg.h>

#include "libs/abi/time.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/base/text.h"
#include "libs/http/head.h"
#include "libs/starina/alloc.h"

// --- Text ----------------------------------------------------------------------------------------

void sink_put_clean(struct text_sink *sink, const char *text)
{
	char part[65];
	size_t len = strlen(text);

	while (len > 0) {
		size_t take = len < sizeof(part) - 1 ? len : sizeof(part) - 1;

		// A character is not cut.
		while (take < len && take > 1 && ((uint8_t)text[take] & 0xc0) == 0x80)
			take--;
		text_copy_visible(part, text, take);
		sink->put(sink, part, take);
		text += take;
		len -= take;
	}
}

void sink_format(struct text_sink *sink, const char *format, ...)
{
	char text[256];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	sink->put(sink, text, len < sizeof(text) ? len : sizeof(text) - 1);
}

void size_write(uint64_t bytes, char out[16])
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < 1024) {
		fmt_write(out, 16, "%llu", (unsigned long long)bytes);
		return;
	}
	for (; bytes / unit >= 1024; i++)
		unit *= 1024;
	if (bytes / unit >= 10)
		fmt_write(out, 16, "%llu%c", (unsigned long long)(bytes / unit), units[i]);
	else
		fmt_write(out, 16, "%llu.%llu%c", (unsigned long long)(bytes / unit),
		          (unsigned long long)(bytes % unit / (unit / 1024) * 10 / 1024), units[i]);
}

static void time_write(uint64_t ns, char *out, size_t size)
{
	uint64_t hundredths = ns / (NSEC_PER_SEC / 100);

	if (hundredths < 6000)
		fmt_write(out, size, "%llu.%02llu", (unsigned long long)(hundredths / 100),
		          (unsigned long long)(hundredths % 100));
	else
		fmt_write(out, size, "%llu:%02llu.%llu", (unsigned long long)(hundredths / 6000),
		          (unsigned long long)(hundredths % 6000 / 100),
		          (unsigned long long)(hundredths % 100 / 10));
}

// --- Reading -------------------------------------------------------------------------------------

// Adds what is shown of a text; what there is no room for is left out.
static void cell_add(char cell[TABLE_CELL_SIZE], const char *text)
{
	char clean[TABLE_CELL_SIZE];
	size_t len = strlen(cell), take = strnlen(text, sizeof(clean) - 1);

	text_copy_visible(clean, text, take);
	str_copy(cell + len, clean, TABLE_CELL_SIZE - len);
}

static void cell_take_string(struct json_reader *r, char cell[TABLE_CELL_SIZE])
{
	char *text = json_take_string(r);

	cell_add(cell, text != NULL ? text : "");
	heap_free(text);
}

static bool is_at(const struct json_reader *r, uint8_t c)
{
	return r->rest.len > 0 && r->rest.data[0] == c;
}

// The name of the object.
static void cell_take_name(struct json_reader *r, char cell[TABLE_CELL_SIZE])
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "name"))
			cell_take_string(r, cell);
		else
			json_skip(r);
	}
}

static void cell_take_names(struct json_reader *r, char cell[TABLE_CELL_SIZE])
{
	json_enter_array(r);
	while (json_next_element(r)) {
		if (cell[0] != '\0')
			cell_add(cell, ", ");
		if (is_at(r, '{'))
			cell_take_name(r, cell);
		else
			cell_take_string(r, cell);
	}
}

static void cell_take(struct json_reader *r, enum column_kind kind, char cell[TABLE_CELL_SIZE])
{
	uint64_t value;

	cell[0] = '\0';
	if (json_take_null(r)) {
		cell_add(cell, "-");
		return;
	}
	switch (kind) {
	case COLUMN_TEXT: cell_take_string(r, cell); return;
	case COLUMN_NAME: cell_take_name(r, cell); return;
	case COLUMN_NAMES: cell_take_names(r, cell); return;
	default: break;
	}
	value = json_take_u64(r);
	if (kind == COLUMN_SIZE)
		size_write(value, cell);
	else if (kind == COLUMN_TIME)
		time_write(value, cell, TABLE_CELL_SIZE);
	else
		fmt_write(cell, TABLE_CELL_SIZE, "%llu", (unsigned long long)value);
}

static void row_take(const struct table *table, struct json_reader *r,
                     char (*cells)[TABLE_CELL_SIZE])
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		size_t i = 0;

		while (i < table->num_columns && !span_is(key, table->columns[i].key))
			i++;
		if (i < table->num_columns)
			cell_take(r, table->columns[i].kind, cells[i]);
		else
			json_skip(r);
	}
}

// Room for one row more: twice as much as there was.
static error_t room_make(struct table *table)
{
	size_t rows = table->num_rows, row_bytes = table->num_columns * TABLE_CELL_SIZE;
	void *cells;

	if ((rows & (rows - 1)) != 0)
		return 0;
	cells = heap_alloc((rows == 0 ? 1 : 2 * rows) * row_bytes);
	if (cells == NULL)
		return ERR_NO_MEMORY;
	if (rows > 0)
		memcpy(cells, table->cells, rows * row_bytes);
	heap_free(table->cells);
	table->cells = cells;
	return 0;
}

error_t table_read(struct table *table, struct json_reader *r)
{
	json_enter_array(r);
	while (json_next_element(r)) {
		error_t err;

		if (table->num_rows == TABLE_ROWS_MAX) {
			json_skip(r);
			continue;
		}
		err = room_make(table);
		if (err != 0)
			return err;
		row_take(table, r, table->cells + table->num_rows * table->num_columns);
		table->num_rows++;
	}
	return json_reader_status(r);
}

void table_deinit(struct table *table)
{
	heap_free(table->cells);
	table->cells = NULL;
	table->num_rows = 0;
}

// --- Writing -------------------------------------------------------------------------------------

const char *table_cell(const struct table *table, size_t row, size_t column)
{
	return table->cells[row * table->num_columns + column];
}

static bool is_left(enum column_kind kind)
{
	return kind == COLUMN_TEXT || kind == COLUMN_NAME || kind == COLUMN_NAMES;
}

// Row 0 is the titles.
static const char *line_cell(const struct table *table, size_t line, size_t column)
{
	return line == 0 ? table->columns[column].title : table_cell(table, line - 1, column);
}

static void line_write(const struct table *table, size_t line, const size_t *widths,
                       struct text_sink *sink)
{
	for (size_t i = 0; i < table->num_columns; i++) {
		const char *cell = line_cell(table, line, i);
		int width = (int)widths[i];

		if (i > 0)
			sink_format(sink, "  ");
		if (!is_left(table->columns[i].kind))
			sink_format(sink, "%*s", width, cell);
		else if (i + 1 < table->num_columns)
			sink_format(sink, "%-*s", width, cell);
		else
			sink_format(sink, "%s", cell);
	}
	sink_format(sink, "\n");
}

void table_write(const struct table *table, struct text_sink *sink)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };

	for (size_t line = 0; line <= table->num_rows; line++) {
		for (size_t i = 0; i < table->num_columns; i++) {
			size_t len = strlen(line_cell(table, line, i));

			if (len > widths[i])
				widths[i] = len;
		}
	}
	for (size_t line = 0; line <= table->num_rows; line++)
		line_write(table, line, widths, sink);
}
