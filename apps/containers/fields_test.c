// SPDX-License-Identifier: MIT
// The fields of a body of create, and what docs/engine.md says of each.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/settings_fields.h"

#define DOCUMENT "docs/engine.md"
#define HEADING "### Fields of create"
#define MAX_ROWS 256
#define MAX_LINE 8192

// Of the table in the document: a field, and what becomes of it.
struct row {
	char name[64];
	char fate[256];
};

static struct row rows[MAX_ROWS];
static size_t num_rows;

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < num_rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

// The names of a cell; what is in brackets is about one.
static void take_names(const char *cell, const char *fate, size_t fate_len)
{
	int depth = 0;

	for (; *cell != '\0'; cell++) {
		depth += (*cell == '(') - (*cell == ')');
		if (*cell != '`' || depth > 0)
			continue;
		size_t len = strcspn(++cell, "`");

		assert_true(num_rows < MAX_ROWS && len < sizeof(rows[0].name));
		assert_true(fate_len < sizeof(rows[0].fate));
		snprintf(rows[num_rows].name, sizeof(rows[0].name), "%.*s", (int)len, cell);
		snprintf(rows[num_rows].fate, sizeof(rows[0].fate), "%.*s", (int)fate_len, fate);
		if (find_row(rows[num_rows].name) != &rows[num_rows] &&
		    find_row(rows[num_rows].name) != NULL)
			fail_msg("%s is in the table twice", rows[num_rows].name);
		num_rows++;
		cell += len;
	}
}

static int read_document(void **state)
{
	static char line[MAX_LINE];
	FILE *file = fopen(DOCUMENT, "r");
	bool inside = false;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '#')
			inside = strncmp(line, HEADING "\n", sizeof(HEADING)) == 0;
		if (!inside || strncmp(line, "| ", 2) != 0 || strncmp(line, "| What", 6) == 0)
			continue;
		char *cell = strstr(line, " | ");

		assert_non_null(cell);
		take_names(cell + 3, line + 2, (size_t)(cell - line) - 2);
	}
	fclose(file);
	assert_int_not_equal(num_rows, 0);
	return 0;
}

static const char *fate_of(const struct field *f)
{
	switch (f->kind) {
	case FIELD_CHOICE: return "only what is so anyway: ";
	case FIELD_REFUSED: return "refused: ";
	case FIELD_WARNED: return "a warning, and no effect: ";
	case FIELD_ANY: return "no effect: ";
	default: return "works";
	}
}

// Compares the rows of the code with those of the document; returns how many there are.
static size_t compare(const struct field *fields, const char *prefix)
{
	size_t count = 0;

	for (; fields != NULL; fields = fields->fields) {
		for (; fields->name != NULL; fields++, count++) {
			const char *fate = fate_of(fields);
			const struct row *row;
			char name[64];

			snprintf(name, sizeof(name), "%s%s", prefix, fields->name);
			row = find_row(name);
			if (row == NULL)
				fail_msg(DOCUMENT " has no row of %s: %s", name, fate);
			if (strncmp(row->fate, fate, strlen(fate)) != 0)
				fail_msg(DOCUMENT " says of %s \"%s\", and the code \"%s\"", name,
				         row->fate, fate);
			// The reason is what clients are told.
			if (fields->where != NULL && fields->kind != FIELD_OBJECT &&
			    strstr(fields->where, row->fate + strlen(fate)) == NULL)
				fail_msg(DOCUMENT " says of %s \"%s\", and the code \"%s\"", name,
				         row->fate, fields->where);
		}
	}
	return count;
}

static const struct field *host_fields(void)
{
	for (const struct field *f = settings_body_fields; f->name != NULL; f++)
		if (strcmp(f->name, "HostConfig") == 0)
			return f->fields;
	return NULL;
}

static void test_document(void **state)
{
	(void)state;
	assert_int_equal(compare(settings_body_fields, "") + compare(host_fields(), "HostConfig."),
	                 num_rows);
}

// What is refused is, with its reason; what clients send for "not set" is not.
static void test_refusals(void **state)
{
	static const char *const neutral[] = { "null", "false", "0", "\"\"", "[]", "{}", "[{}]" };
	char body[256], error[SETTINGS_ERROR_MAX];
	size_t refused = 0;

	(void)state;
	for (const struct field *f = host_fields(); f != NULL; f = f->fields) {
		for (; f->name != NULL; f++) {
			struct settings s;
			struct span text = { .data = (const uint8_t *)body };

			if (f->kind != FIELD_REFUSED && f->kind != FIELD_CHOICE)
				continue;
			for (size_t i = 0; i < sizeof(neutral) / sizeof(neutral[0]); i++) {
				text.len = (size_t)snprintf(
					body, sizeof(body),
					"{\"Image\":\"a\",\"HostConfig\":{\"%s\": %s}}", f->name,
					neutral[i]);
				assert_int_equal(settings_parse(&s, text, error), 0);
				settings_deinit(&s);
			}
			text.len = (size_t)snprintf(body, sizeof(body),
			                            "{\"Image\":\"a\",\"HostConfig\":{\"%s\":[7]}}",
			                            f->name);
			assert_int_equal(settings_parse(&s, text, error), ERR_INVALID);
			assert_string_equal(error, f->where);
			refused++;
		}
	}
	assert_true(refused > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, read_document, NULL);
}
