// SPDX-License-Identifier: MIT
//
// The words of a line, as a shell takes them: blanks between them, but within '...' or "..."; a
// backslash takes away the meaning of what is behind it.
#pragma once

#include <stddef.h>

#define ARGUMENTS_MAX 64u

struct arguments {
	size_t count;
	char *words[ARGUMENTS_MAX];
};

// Splits `line`, in which the words are then. Returns what is wrong with it, or NULL.
const char *arguments_split(char *line, struct arguments *out);
