// SPDX-License-Identifier: MIT
#include "tools/system/change.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/image/config/environment.h"
#include "tools/image/json_input.h"

#define MAX_PORT 65535
#define BLANKS " \t\r\v\f"

struct change {
	json_t *config;
	const char *name;  // of the instruction, in small letters
	const char *rest;  // of its line, without blanks around it
	struct error *err;
};

json_t *change_list(const char *text)
{
	json_t *list = text[0] == '[' ? json_loads(text, 0, NULL) : NULL;
	json_t *box = list ? json_pack("{s:o}", "list", list) : NULL;
	json_t *strings = json_incref(json_get_strings(box, "list"));

	json_decref(box);
	return strings;
}

static json_t *member(const struct change *change, const char *key, bool is_array)
{
	json_t *value = json_object_get(change->config, key);

	if (is_array ? json_is_array(value) : json_is_object(value))
		return value;
	value = is_array ? json_array() : json_object();
	json_object_set_new(change->config, key, value);
	return value;
}

static json_t *words_of(const struct change *change)
{
	return change_words(change->rest, json_object_get(change->config, "Env"), change->err);
}

// The whole line as one text, variables replaced.
static json_t *text_of(const struct change *change)
{
	json_t *words = words_of(change);
	json_t *text = words && json_array_size(words) == 1 ? json_incref(json_array_get(words, 0))
							    : NULL;

	if (words && !text)
		error_set(change->err, "%s requires exactly one argument", change->name);
	json_decref(words);
	return text;
}

// --- The instructions ----------------------------------------------------------------------------

static int command_set(const struct change *change, const char *key)
{
	json_t *list = change_list(change->rest);
	json_t *shell = json_get_strings(change->config, "Shell");

	if (!list) {
		list = shell && json_array_size(shell) ? json_copy(shell)
						       : json_pack("[s, s]", "/bin/sh", "-c");
		json_array_append_new(list, json_string(change->rest));
	}
	return json_object_set_new(change->config, key, list);
}

static int change_cmd(const struct change *change)
{
	json_object_set_new(change->config, CHANGE_CMD_SET, json_true());
	return command_set(change, "Cmd");
}

// The Cmd of before was for another entrypoint.
static int change_entrypoint(const struct change *change)
{
	if (!json_object_get(change->config, CHANGE_CMD_SET))
		json_object_set_new(change->config, "Cmd", json_null());
	return command_set(change, "Entrypoint");
}

static int pair_set(const struct change *change, const char *name, size_t length, const char *value)
{
	char *key = strndup(name, length);
	int result = 0;

	if (!key)
		return error_set(change->err, "out of memory");
	if (length == 0)
		result = error_set(change->err, "%s names can not be blank", change->name);
	else if (strcmp(change->name, "env") == 0)
		result = environment_set_pair(member(change, "Env", true), key, value, change->err);
	else if (json_object_set_new(member(change, "Labels", false), key, json_string(value)) < 0)
		result = error_set(change->err, "a label that is not valid UTF-8");
	free(key);
	return result;
}

static int pairs_set(const struct change *change, const json_t *words)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
	{
		const char *text = json_string_value(word);
		const char *equals = strchr(text, '=');

		if (!equals)
			return error_set(
				change->err,
				"Syntax error - can't find = in \"%.200s\". Must be of the "
				"form: name=value",
				text);
		if (pair_set(change, text, (size_t)(equals - text), equals + 1) < 0)
			return -1;
	}
	return 0;
}

// "NAME=VALUE...", or "NAME VALUE", whose value is the rest of the line.
static int change_pairs(const struct change *change)
{
	size_t length = strcspn(change->rest, BLANKS);
	const char *value = change->rest + length + strspn(change->rest + length, BLANKS);
	json_t *words = words_of(change);
	json_t *word;
	char *text = NULL;
	size_t i, size = 1;
	int result = -1;

	if (words && memchr(change->rest, '=', length)) {
		result = pairs_set(change, words);
	} else if (words && !*value) {
		error_set(change->err, "%s must have two arguments", change->name);
	} else if (words) {
		size = strlen(value) + 1;
		json_array_foreach(words, i, word) size += json_string_length(word) + 1;
		text = calloc(1, size);
		json_array_foreach(words, i, word)
		{
			if (text && i > 1)
				strcat(text, " ");
			if (text && i > 0)
				strcat(text, json_string_value(word));
		}
		result = text ? pair_set(change, change->rest, length, text)
			      : error_set(change->err, "out of memory");
	}
	free(text);
	json_decref(words);
	return result;
}

static int port_refuse(const struct change *change, const char *text)
{
	return error_set(change->err, "invalid containerPort: %.100s", text);
}

// "80", "80/tcp" or "80-90/udp".
static int port_add(const struct change *change, const char *text)
{
	json_t *ports = member(change, "ExposedPorts", false);
	const char *slash = strchr(text, '/');
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = first;
	char name[32];

	if (!isdigit((unsigned char)text[0]))
		return port_refuse(change, text);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		last = strtoul(end + 1, &end, 10);
	if (*end != '\0' && end != slash)
		return port_refuse(change, text);
	if (first == 0 || last > MAX_PORT || first > last)
		return port_refuse(change, text);
	if (slash && strcasecmp(slash, "/tcp") != 0 && strcasecmp(slash, "/udp") != 0 &&
	    strcasecmp(slash, "/sctp") != 0)
		return error_set(change->err, "invalid proto: %.100s", slash + 1);
	for (unsigned long port = first; port <= last; port++) {
		snprintf(name, sizeof(name), "%lu%s", port, slash ? slash : "/tcp");
		for (char *c = name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		json_object_set_new(ports, name, json_object());
	}
	return 0;
}

static int change_expose(const struct change *change)
{
	json_t *words = words_of(change);
	int result = words ? 0 : -1;
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
	{
		if (result == 0)
			result = port_add(change, json_string_value(word));
	}
	json_decref(words);
	return result;
}

static int change_volume(const struct change *change)
{
	json_t *words = change_list(change->rest);
	json_t *word;
	size_t i;
	int result = 0;

	if (!words)
		words = words_of(change);
	if (!words)
		return -1;
	json_array_foreach(words, i, word)
	{
		if (json_string_length(word) == 0)
			result = error_set(change->err,
			                   "VOLUME specified can not be an empty string");
		else
			json_object_set_new(member(change, "Volumes", false),
			                    json_string_value(word), json_object());
	}
	json_decref(words);
	return result;
}

static int change_text(const struct change *change)
{
	json_t *text = text_of(change);

	if (!text)
		return -1;
	return json_object_set_new(change->config,
	                           strcmp(change->name, "user") == 0 ? "User" : "StopSignal", text);
}

// Drops "", "." and ".." of an absolute path, in place.
static void path_clean(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t length = strcspn(from, "/");

		if (length == 2 && memcmp(from, "..", 2) == 0) {
			while (to > path && *--to != '/')
				;
		} else if (length > 0 && !(length == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
		from += *from == '/';
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

static int change_workdir(const struct change *change)
{
	const char *before = json_get_string(change->config, "WorkingDir");
	json_t *text = text_of(change);
	const char *name = json_string_value(text);
	char *path;
	int length, result;

	if (!text)
		return -1;
	// A "/" more leaves room for the first.
	length = asprintf(&path, "/%s/%s", before && name[0] != '/' ? before : "", name);
	json_decref(text);
	if (length < 0)
		return error_set(change->err, "out of memory");
	path_clean(path);
	result = json_object_set_new(change->config, "WorkingDir", json_string(path));
	free(path);
	return result;
}

static int change_health(const struct change *change)
{
	json_t *health = change_healthcheck(change->rest, change->err);

	return health ? json_object_set_new(change->config, "Healthcheck", health) : -1;
}

static int change_onbuild(const struct change *change)
{
	size_t length = strcspn(change->rest, BLANKS);

	if (length == 7 && strncasecmp(change->rest, "onbuild", length) == 0)
		return error_set(change->err,
		                 "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
	if ((length == 4 && strncasecmp(change->rest, "from", length) == 0) ||
	    (length == 10 && strncasecmp(change->rest, "maintainer", length) == 0))
		return error_set(change->err, "%.*s isn't allowed as an ONBUILD trigger",
		                 (int)length, change->rest);
	return json_array_append_new(member(change, "OnBuild", true), json_string(change->rest));
}

// --- Lines ---------------------------------------------------------------------------------------

static const struct instruction {
	const char *name;
	int (*apply)(const struct change *change);
} instructions[] = {
	{ "cmd", change_cmd },
	{ "entrypoint", change_entrypoint },
	{ "env", change_pairs },
	{ "expose", change_expose },
	{ "healthcheck", change_health },
	{ "label", change_pairs },
	{ "onbuild", change_onbuild },
	{ "stopsignal", change_text },
	{ "user", change_text },
	{ "volume", change_volume },
	{ "workdir", change_workdir },
};

// What a Dockerfile may have, and a change may not.
static const char *const others[] = { "add", "arg", "copy", "from", "maintainer", "run", "shell" };

static int instruction_unknown(const char *name, struct error *err)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(name, others[i]) == 0)
			return error_set(err, "%s is not a valid change command", name);
	return error_set(err, "dockerfile parse error: unknown instruction: %.100s", name);
}

// `line` is changed.
static int line_apply(json_t *config, char *line, struct error *err)
{
	char *name = line + strspn(line, BLANKS);
	size_t length = strcspn(name, BLANKS);
	char *rest = name + length + strspn(name + length, BLANKS);
	char *end = rest + strlen(rest);
	struct change change = { config, name, rest, err };

	if (!*name || *name == '#')
		return 0;
	while (end > rest && strchr(BLANKS, end[-1]))
		*--end = '\0';
	name[length] = '\0';
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		if (strcmp(instructions[i].name, name) != 0)
			continue;
		if (!*rest)
			return error_set(
				err, "dockerfile parse error: %s requires at least one argument",
				name);
		if (instructions[i].apply(&change) < 0)
			return error_prefix(err, "dockerfile parse error");
		return 0;
	}
	return instruction_unknown(name, err);
}

int change_apply(json_t *config, const char *text, struct error *err)
{
	char *copy = strdup(text);
	char *line = copy;
	int result = 0;

	if (!copy)
		return error_set(err, "out of memory");
	while (line && *line && result == 0) {
		char *end = strchr(line, '\n');

		// A backslash at its end joins the next one.
		while (end && end > line && end[-1] == '\\') {
			end[-1] = ' ';
			*end = ' ';
			end = strchr(end, '\n');
		}
		if (end)
			*end = '\0';
		result = line_apply(config, line, err);
		line = end ? end + 1 : NULL;
	}
	free(copy);
	return result;
}
