// SPDX-License-Identifier: MIT
//
// Instructions of a Dockerfile that change an image's configuration (docker commit --change).
// (Dockerfile reference)
#pragma once

#include <jansson.h>

#include "tools/common/error.h"

// A member of the configuration: CMD was one of its instructions. Whoever is done removes it.
#define CHANGE_CMD_SET "cmd set"

// Applies the lines of `text` to `config`, an image's as Docker has it. -1 with `err`, in docker's
// words.
int change_apply(json_t *config, const char *text, struct error *err);

// The strings of a JSON array that `text` is, a new reference; NULL: it is none.
json_t *change_list(const char *text);

// --- change_healthcheck.c ---

// The configuration's Healthcheck (times in nanoseconds) that the arguments of HEALTHCHECK mean: a
// new object; NULL with `err`.
json_t *change_healthcheck(const char *text, struct error *err);

// --- change_words.c ---

// The words of an instruction, quotes and backslashes resolved and variables of `env` ("NAME=VALUE"
// each, may be NULL) replaced: a new array; NULL with `err`.
json_t *change_words(const char *text, const json_t *env, struct error *err);
