// SPDX-License-Identifier: MIT
//
// Environments as arrays of "NAME=VALUE", and the ways in which a user adds to one.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "tools/common/error.h"

// More are refused: setting one looks at all the others.
#define ENVIRONMENT_MAX 10000

// Sets NAME=VALUE, in place of an earlier value of NAME. A NAME alone removes it. -1 with `err`:
// not UTF-8, which config.json has to be; no name; too many.
int environment_set(json_t *env, const char *assignment, struct error *err);

// Sets NAME=VALUE where they are apart. Errors: as environment_set().
int environment_set_pair(json_t *env, const char *name, const char *value, struct error *err);

// Whether NAME has a value.
bool environment_has(const json_t *env, const char *name);

// What a user gives, as changes to be applied later with environment_set(): `changes` is an array
// that they are appended to. One item is NAME=VALUE, or a NAME alone, which takes the value that it
// has here, or is removed when it has none (as docker's -e).
int environment_add_item(json_t *changes, const char *item, struct error *err);
// Items with commas between them; a comma in a value is not possible.
int environment_add_list(json_t *changes, const char *list, struct error *err);
// A file with an item a line (as docker's --env-file): no quotes, # begins a comment line; a NAME
// alone that has no value here is passed over.
int environment_add_file(json_t *changes, const char *path, struct error *err);
