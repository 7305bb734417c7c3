// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/system/change.h"

#define BLANKS " \t\r\v\f"
#define MAX_VALUE 64
#define MAX_NS 9.2e18
#define MIN_NS 1000000

static const struct unit {
	const char *name;
	double ns;
} units[] = {
	{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
};

static const struct option {
	const char *name, *key;  // in the configuration
} times[] = {
	{ "interval", "Interval" },
	{ "timeout", "Timeout" },
	{ "start-period", "StartPeriod" },
	{ "start-interval", "StartInterval" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Nanoseconds of a text as "1m30s" or "1.5s"; -1: it is none.
static json_int_t duration_read(const char *text)
{
	double total = 0;

	if (strcmp(text, "0") == 0)
		return 0;
	if (!*text)
		return -1;
	while (*text) {
		size_t digits = strspn(text, "0123456789."), length = 0, i = 0;
		double number;
		char *end;

		// strtod() takes more than digits.
		if (digits == 0 || digits >= MAX_VALUE)
			return -1;
		number = strtod(text, &end);
		if (end != text + digits)
			return -1;
		length = strcspn(end, "0123456789.");
		while (i < COUNT(units) &&
		       (strncmp(units[i].name, end, length) != 0 ||
		        strlen(units[i].name) != length))
			i++;
		if (i == COUNT(units))
			return -1;
		total += number * units[i].ns;
		if (total > MAX_NS)
			return -1;
		text = end + length;
	}
	return (json_int_t)total;
}

static int time_set(json_t *health, const struct option *option, const char *value,
                    struct error *err)
{
	json_int_t ns = duration_read(value);

	if (ns < 0)
		return error_set(err, "time: invalid duration \"%s\"", value);
	if (ns > 0 && ns < MIN_NS)
		return error_set(err, "Interval \"%s\" cannot be less than 1ms", option->name);
	return ns > 0 ? json_object_set_new(health, option->key, json_integer(ns)) : 0;
}

static int retries_set(json_t *health, const char *value, struct error *err)
{
	char *end;
	long count = strtol(value, &end, 10);

	if (!isdigit((unsigned char)value[0]) || *end || count > INT32_MAX)
		return error_set(err, "--retries must be at least 0 (not %s)", value);
	return count > 0 ? json_object_set_new(health, "Retries", json_integer(count)) : 0;
}

// "--NAME=VALUE", of `length` bytes.
static int option_set(json_t *health, const char *text, size_t length, struct error *err)
{
	char value[MAX_VALUE];
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) - 2 : length - 2;
	size_t rest = equals ? length - name - 3 : 0;

	if (rest >= sizeof(value))
		return error_set(err, "a value of %zu bytes is too long: %.32s", rest, text);
	snprintf(value, sizeof(value), "%.*s", (int)rest, equals ? equals + 1 : "");
	for (size_t i = 0; equals && i < COUNT(times); i++)
		if (strlen(times[i].name) == name && memcmp(times[i].name, text + 2, name) == 0)
			return time_set(health, &times[i], value, err);
	if (equals && name == 7 && memcmp(text + 2, "retries", name) == 0)
		return retries_set(health, value, err);
	return error_set(err, equals ? "unknown flag: %.*s" : "missing a value on flag: %.*s",
	                 (int)(name < MAX_VALUE ? name : MAX_VALUE), text + 2);
}

static int test_set(json_t *health, const char *text, struct error *err)
{
	size_t length = strcspn(text, BLANKS);
	const char *rest = text + length + strspn(text + length, BLANKS);
	json_t *test;

	if (length == 4 && strncasecmp(text, "none", length) == 0) {
		if (*rest)
			return error_set(err, "HEALTHCHECK NONE takes no arguments");
		return json_object_set_new(health, "Test", json_pack("[s]", "NONE"));
	}
	if (length != 3 || strncasecmp(text, "cmd", length) != 0)
		return error_set(err, "unknown type \"%.*s\" in HEALTHCHECK (try CMD)",
		                 (int)(length < MAX_VALUE ? length : MAX_VALUE), text);
	test = change_list(rest);
	if (!*rest || (test && json_array_size(test) == 0)) {
		json_decref(test);
		return error_set(err, "Missing command after HEALTHCHECK CMD");
	}
	if (test)
		json_array_insert_new(test, 0, json_string("CMD"));
	else
		test = json_pack("[s, s]", "CMD-SHELL", rest);
	if (!test)
		return error_set(err, "a command that is not valid UTF-8");
	return json_object_set_new(health, "Test", test);
}

json_t *change_healthcheck(const char *text, struct error *err)
{
	json_t *health = json_object();
	int result = 0;

	while (result == 0 && strncmp(text, "--", 2) == 0) {
		size_t length = strcspn(text, BLANKS);

		result = option_set(health, text, length, err);
		text += length + strspn(text + length, BLANKS);
	}
	if (result == 0)
		result = test_set(health, text, err);
	if (result == 0)
		return health;
	json_decref(health);
	return NULL;
}
