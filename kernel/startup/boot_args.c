// SPDX-License-Identifier: MIT
//
// Boot arguments: words between blanks in /chosen/bootargs. Apps' are APP.NAME=VALUE; a value with
// blanks in it is quoted: APP.NAME="VALUE".
#include "kernel/startup/boot_args.h"

#include "kernel/startup/devices.h"
#include "libs/base/string.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

// The length of the word at `s`: up to a blank outside quotes.
static size_t word_len(const char *s)
{
	bool quoted = false;
	size_t n = 0;

	for (; s[n] != '\0' && (quoted || !is_blank(s[n])); n++) {
		if (s[n] == '"')
			quoted = !quoted;
	}
	return n;
}

size_t boot_args_next(const char **args, const char **word)
{
	size_t len;

	while (is_blank(**args))
		(*args)++;
	len = word_len(*args);
	*word = *args;
	*args += len;
	return len;
}

// Whether the word begins with APP.NAME=; `*value` is what follows.
static bool word_matches(const char *word, size_t len, const char *app, const char *name,
                         const char **value)
{
	size_t app_len = strlen(app);
	size_t name_len = strlen(name);

	if (len < app_len + 1 + name_len + 1 || memcmp(word, app, app_len) != 0 ||
	    word[app_len] != '.' || memcmp(word + app_len + 1, name, name_len) != 0 ||
	    word[app_len + 1 + name_len] != '=')
		return false;
	*value = word + app_len + name_len + 2;
	return true;
}

bool boot_args_lookup(const char *args, const char *app, const char *name, char *value, size_t size)
{
	bool found = false;
	const char *word;
	size_t len;

	while ((len = boot_args_next(&args, &word)) > 0) {
		const char *start;
		size_t out = 0;

		if (!word_matches(word, len, app, name, &start))
			continue;
		// The last one counts, as with most command lines. Quotes are not part of the
		// value.
		for (const char *p = start; p < word + len && out + 1 < size; p++) {
			if (*p != '"')
				value[out++] = *p;
		}
		if (size > 0)
			value[out] = '\0';
		found = true;
	}
	return found;
}
