// SPDX-License-Identifier: MIT
#include "apps/shell/arguments.h"

#include <stdbool.h>

// Copies one word from `*from` on to `*to`, which is never ahead, and both go on. Returns false
// when a quote is left open.
static bool word_take(const char **from, char **to)
{
	char quote = '\0';

	for (; **from != '\0'; ++*from) {
		char c = **from;

		if (quote != '\0' && c == quote) {
			quote = '\0';
		} else if (quote == '\0' && (c == '\'' || c == '"')) {
			quote = c;
		} else if (quote == '\0' && c == ' ') {
			break;
		} else {
			if (c == '\\' && quote != '\'' && (*from)[1] != '\0')
				c = *++*from;
			*(*to)++ = c;
		}
	}
	return quote == '\0';
}

const char *arguments_split(char *line, struct arguments *out)
{
	const char *from = line;
	char *to = line;

	out->count = 0;
	for (;;) {
		while (*from == ' ')
			from++;
		if (*from == '\0')
			return NULL;
		if (out->count == ARGUMENTS_MAX)
			return "too many words";
		out->words[out->count++] = to;
		if (!word_take(&from, &to))
			return "a quote is left open";
		if (*from == ' ')
			from++;
		*to++ = '\0';
		// The end of the last word may have been the line's own.
		if (to > from)
			return NULL;
	}
}
