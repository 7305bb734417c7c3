// SPDX-License-Identifier: MIT
//
// A growing list of strings in heap memory: arguments, environments. Zero-initialised: empty.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libs/abi/error.h"

struct string_list {
	char **items;
	size_t count;
	size_t capacity;
};

// A copy of `text` in heap memory, or NULL.
char *string_copy(const char *text);
// Appends a copy of `text`. Errors: ERR_NO_MEMORY.
__must_check error_t string_list_add(struct string_list *list, const char *text);
// Appends `text` itself, which is the list's from now on, on errors too. NULL is ERR_NO_MEMORY.
// Errors: ERR_NO_MEMORY.
__must_check error_t string_list_take(struct string_list *list, char *text);
// Sets NAME=VALUE in place of an earlier value of NAME; `assignment` is copied. Errors: ERR_INVALID
// (no name, no '='), ERR_NO_MEMORY.
__must_check error_t string_list_assign(struct string_list *list, const char *assignment);
// Whether the list has a NAME=VALUE.
bool string_list_has(const struct string_list *list, const char *name);
// Frees it; it is empty then.
void string_list_deinit(struct string_list *list);
