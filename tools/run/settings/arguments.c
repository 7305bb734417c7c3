// SPDX-License-Identifier: MIT
#include "tools/run/settings/arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP 16u

static bool grow(struct arguments *arguments)
{
	char **items;

	// Room for one more and the NULL, in steps.
	if (arguments->count % STEP != 0)
		return true;
	items = realloc(arguments->items, (arguments->count + STEP + 1) * sizeof(*items));
	if (!items)
		return false;
	arguments->items = items;
	return true;
}

void arguments_add(struct arguments *arguments, const char *format, ...)
{
	va_list args;
	char *word;
	int length;

	va_start(args, format);
	length = vasprintf(&word, format, args);
	va_end(args);
	if (length < 0) {
		arguments->failed = true;
		return;
	}
	if (!grow(arguments)) {
		free(word);
		arguments->failed = true;
		return;
	}
	arguments->items[arguments->count++] = word;
	arguments->items[arguments->count] = NULL;
}

void arguments_deinit(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->items[i]);
	free(arguments->items);
	*arguments = (struct arguments){ 0 };
}
