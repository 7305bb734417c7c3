// SPDX-License-Identifier: MIT
#include "apps/httpd/api/write.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"

// What stands before a value: a comma, unless it is the first, and its name.
static void begin(struct json_writer *w, const char *name)
{
	char last = w->bad || w->len == 0 ? '[' : w->text[w->len - 1];

	if (last != '[' && last != '{' && last != '\n')
		json_write_raw(w, ",");
	if (name == NULL)
		return;
	json_write_raw(w, "\"");
	json_write_raw(w, name);
	json_write_raw(w, "\":");
}

void write_open(struct json_writer *w, const char *name, const char *bracket)
{
	begin(w, name);
	json_write_raw(w, bracket);
}

void write_close(struct json_writer *w, const char *bracket)
{
	json_write_raw(w, bracket);
}

void write_number(struct json_writer *w, const char *name, uint64_t value)
{
	char text[24];

	begin(w, name);
	fmt_write(text, sizeof(text), "%llu", (unsigned long long)value);
	json_write_raw(w, text);
}

void write_signed(struct json_writer *w, const char *name, int64_t value)
{
	begin(w, name);
	json_write_i64(w, value);
}

void write_flag(struct json_writer *w, const char *name, bool value)
{
	begin(w, name);
	json_write_raw(w, value ? "true" : "false");
}

void write_null(struct json_writer *w, const char *name)
{
	begin(w, name);
	json_write_raw(w, "null");
}

void write_text(struct json_writer *w, const char *name, const char *text)
{
	write_bytes(w, name, text_span(text));
}

void write_bytes(struct json_writer *w, const char *name, struct span text)
{
	begin(w, name);
	json_write_text(w, text);
}
