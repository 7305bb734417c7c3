// SPDX-License-Identifier: MIT
#include "tools/image/config/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define MAX_SHOWN 100
#define MAX_FILE 1048576  // of variables: config.json has room for no more

static bool is_of(const json_t *item, const char *name, size_t length)
{
	const char *text = json_string_value(item);

	return strncmp(text, name, length) == 0 && text[length] == '=';
}

int environment_set(json_t *env, const char *assignment, struct error *err)
{
	size_t length = strcspn(assignment, "=");
	json_t *value = assignment[length] ? json_string(assignment) : NULL;
	json_t *item;
	size_t i;

	if (length == 0)
		return error_set(err, "\"%.100s\" has no name before the =", assignment);
	if (assignment[length] && !value)
		return error_set(err, "the variable \"%.*s\" is not valid UTF-8",
		                 (int)(length < MAX_SHOWN ? length : MAX_SHOWN), assignment);
	json_array_foreach(env, i, item)
	{
		if (!is_of(item, assignment, length))
			continue;
		if (value)
			json_array_set_new(env, i, value);
		else
			json_array_remove(env, i);
		return 0;
	}
	if (!value)
		return 0;
	if (i >= ENVIRONMENT_MAX) {
		json_decref(value);
		return error_set(err, "there are more than %d variables", ENVIRONMENT_MAX);
	}
	return json_array_append_new(env, value) < 0 ? error_set(err, "out of memory") : 0;
}

int environment_set_pair(json_t *env, const char *name, const char *value, struct error *err)
{
	char *assignment;
	int result;

	if (asprintf(&assignment, "%s=%s", name, value) < 0)
		return error_set(err, "out of memory");
	result = environment_set(env, assignment, err);
	free(assignment);
	return result;
}

bool environment_has(const json_t *env, const char *name)
{
	size_t length = strlen(name);
	json_t *item;
	size_t i;

	json_array_foreach(env, i, item) if (is_of(item, name, length)) return true;
	return false;
}

static int change_add(json_t *changes, const char *text, struct error *err)
{
	json_t *change;

	if (text[0] == '=' || !text[0])
		return error_set(err, "\"%.100s\" has no name before the =", text);
	change = json_string(text);
	if (!change)
		return error_set(err, "\"%.100s\" is not valid UTF-8", text);
	return json_array_append_new(changes, change) < 0 ? error_set(err, "out of memory") : 0;
}

// An item whose value, if it has none of its own, comes from here.
static int item_add(json_t *changes, const char *item, bool remove, struct error *err)
{
	const char *value = strchr(item, '=') ? NULL : getenv(item);
	char *assignment;
	int result;

	if (!value && !strchr(item, '=') && !remove)
		return 0;
	if (!value)
		return change_add(changes, item, err);
	if (asprintf(&assignment, "%s=%s", item, value) < 0)
		return error_set(err, "out of memory");
	result = change_add(changes, assignment, err);
	free(assignment);
	return result;
}

int environment_add_item(json_t *changes, const char *item, struct error *err)
{
	return item_add(changes, item, true, err);
}

int environment_add_list(json_t *changes, const char *list, struct error *err)
{
	char *copy = strdup(list);
	char *rest = copy;
	char *item;
	int result = copy ? 0 : error_set(err, "out of memory");

	while (result == 0 && rest && (item = strsep(&rest, ",")))
		if (item[0])
			result = item_add(changes, item, true, err);
	free(copy);
	return result;
}

static int line_add(json_t *changes, char *line, size_t length, struct error *err)
{
	char *name;

	if (strlen(line) != length)
		return error_set(err, "it has a NUL byte");
	length = strcspn(line, "\n");
	// As docker has it, a carriage return before it belongs to the line's end.
	length -= length > 0 && line[length - 1] == '\r';
	line[length] = '\0';
	name = line + strspn(line, BLANKS);
	if (!name[0] || name[0] == '#')
		return 0;
	if (strcspn(name, BLANKS) < strcspn(name, "="))
		return error_set(err, "\"%.100s\": a name cannot have blanks in it", name);
	return item_add(changes, name, false, err);
}

// Reads a line, its end included, of less than `size` bytes, and terminates it. Returns its length,
// `size` when it is longer, 0 at the end.
static size_t line_read(FILE *file, char *line, size_t size)
{
	size_t length = 0;
	int c = 0;

	while (length < size && c != '\n' && (c = getc(file)) != EOF)
		line[length++] = (char)c;
	if (length < size)
		line[length] = '\0';
	return length;
}

int environment_add_file(json_t *changes, const char *path, struct error *err)
{
	FILE *file = fopen(path, "re");
	unsigned number = 0;
	char *line = malloc(MAX_FILE);
	size_t left = MAX_FILE;
	size_t length;
	int result = 0;

	if (!file || !line) {
		error_set_errno(err, errno, "cannot open %s", path);
		free(line);
		if (file)
			fclose(file);
		return -1;
	}
	while (result == 0 && (length = line_read(file, line, left)) > 0) {
		char *start = line;

		left -= length;
		if (left == 0) {
			result = error_set(err, "%s is larger than 1 MiB", path);
			break;
		}
		if (number++ == 0 && strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
			start += strlen(BYTE_ORDER_MARK);
			length -= strlen(BYTE_ORDER_MARK);
		}
		result = line_add(changes, start, length, err);
		if (result < 0)
			error_prefix(err, "line %u of %s", number, path);
	}
	if (result == 0 && ferror(file))
		result = error_set_errno(err, errno, "cannot read %s", path);
	free(line);
	fclose(file);
	return result;
}
