// SPDX-License-Identifier: MIT
//
// A list of words that grows: a command line being made.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arguments {
	char **items;  // NULL-terminated once there is one
	size_t count;
	bool failed;  // out of memory: words are missing
};

// Appends a word. A failure is noted in `failed`, so that it is asked for once.
__attribute__((format(printf, 2, 3))) void arguments_add(struct arguments *arguments,
                                                         const char *format, ...);

// Frees the words. Harmless on a zeroed one.
void arguments_deinit(struct arguments *arguments);
