// SPDX-License-Identifier: MIT
// What tests of the settings share: reading a command line, and looking at what was made of it.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/run/settings/settings.h"

static struct settings settings;
static struct error err;

// Reads `words` (NULL-terminated, run.sh itself left out).
static int read_words(char **words)
{
	static char *argv[64];  // the settings' for as long as they are in use
	static char name[] = "run.sh";
	int argc = 1;

	memset(argv, 0, sizeof(argv));
	argv[0] = name;

	for (; words && *words; words++)
		argv[argc++] = *words;
	settings_deinit(&settings);
	err.text[0] = '\0';
	if (settings_read(&settings, argc, argv, &err) < 0)
		return -1;
	return volume_settings_finish(&settings, NULL, &err);
}
#define READ(...) read_words((char *[]){ __VA_ARGS__, NULL })

// Whether the settings are refused with all of "A|B|C" in the error.
static void assert_refused(int result, const char *parts)
{
	char *copy = strdup(parts);
	char *rest = copy;
	char *part;

	assert_int_equal(result, -1);
	while ((part = strsep(&rest, "|")))
		if (!strstr(err.text, part))
			fail_msg("\"%s\" is not in: %s", part, err.text);
	free(copy);
}

// Whether `option` is one of those for `starina-image config`.
static bool passes_on(const char *option)
{
	for (size_t i = 0; i < settings.config_options.count; i++)
		if (strcmp(settings.config_options.items[i], option) == 0)
			return true;
	return false;
}
