// SPDX-License-Identifier: MIT
//
// JSON of foreign origin: bounded, and read through getters that say what is wrong.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

#define JSON_MAX_SIZE (4u << 20)

// Parses `size` bytes, at most JSON_MAX_SIZE, into an object. The caller releases it with
// json_decref(). `what` names the document in errors. NULL with `err`.
json_t *json_parse(const char *text, size_t size, const char *what, struct error *err);

// As json_parse(), for any kind of value.
json_t *json_parse_any(const char *text, size_t size, const char *what, struct error *err);

// The string `key` of `object`, or NULL when it is absent, null, no string or has a NUL in it.
const char *json_get_string(const json_t *object, const char *key);

// The array `key` of `object` when it is an array of strings without a NUL only, else NULL.
json_t *json_get_strings(const json_t *object, const char *key);
