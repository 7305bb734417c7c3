// SPDX-License-Identifier: MIT
//
// Tables of what the API tells: an array of objects becomes lines of aligned columns.
#pragma once

#include "libs/json/json.h"

#define TABLE_COLUMNS_MAX 12u
#define TABLE_ROWS_MAX 1024u  // of more, the first ones are shown
#define TABLE_CELL_SIZE 128u

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_SIZE,   // bytes: 1.5K
	COLUMN_TIME,   // nanoseconds: 0.52, 1:01.5
	COLUMN_NAME,   // of the object that it is
	COLUMN_NAMES,  // of the objects, or the texts, of an array
};

struct column {
	const char *title;
	const char *key;
	enum column_kind kind;
};

struct table {
	const struct column *columns;
	size_t num_columns;
	size_t num_rows;
	char (*cells)[TABLE_CELL_SIZE];  // heap: rows of num_columns
};

// Where text goes.
struct text_sink {
	void (*put)(struct text_sink *sink, const char *text, size_t len);
};

// Adds a text whose control characters are "?": others have written it.
void sink_put_clean(struct text_sink *sink, const char *text);
// Adds a formatted text of less than 256 bytes; what is longer is cut.
void sink_format(struct text_sink *sink, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Bytes as a person reads them: 1.5K.
void size_write(uint64_t bytes, char out[16]);

// Reads the array that the reader is at. Errors: ERR_NO_MEMORY; ERR_PROTOCOL: it is none. The table
// is the caller's on errors, too.
error_t table_read(struct table *table, struct json_reader *r);
// The cell as it is shown.
const char *table_cell(const struct table *table, size_t row, size_t column);
// Writes the titles and all rows.
void table_write(const struct table *table, struct text_sink *sink);
void table_deinit(struct table *table);
