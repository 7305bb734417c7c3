// SPDX-License-Identifier: MIT
//
// The filters of lists in Docker's API: the parameter "filters" of a query, decoded. Both forms are
// read: {"label":["a=b"]} and {"label":{"a=b":true}}. All lists use this:
//
//     static const char *const known[] = { "label", "dangling", NULL };
//     struct filters filters;
//     char error[FILTERS_ERROR_MAX];
//
//     if (filters_parse(&filters, text, known, error) < 0)
//             ...400 with `error`...
//     for each volume:
//             if (filters_has_labels(&filters, "label", volume->labels) &&
//                 filters_match(&filters, "name", volume->name))
//                     ...it is one...
//     filters_deinit(&filters);
//
// Of several values of one filter one has to fit; of "label" all. A filter that is not there fits.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/time.h"
#include "libs/base/span.h"

#define FILTERS_ERROR_MAX 256u

struct filter {
	char *key;
	char *value;
};

struct filters {
	struct filter *items;  // heap
	size_t count;
	size_t capacity;
};

// Reads filters; `text` may be NULL or empty. `known` are the keys that the list has, NULL behind
// them. Errors: ERR_INVALID (no JSON of one of the forms, or another key), with a text for people
// as Docker's, and ERR_NO_MEMORY; *filters is empty then.
__must_check error_t filters_parse(struct filters *filters, const char *text,
                                   const char *const *known, char error[static FILTERS_ERROR_MAX]);
// Adds one that came otherwise. Errors: ERR_NO_MEMORY.
__must_check error_t filters_add(struct filters *filters, const char *key, const char *value);
// Frees them; there are none then.
void filters_deinit(struct filters *filters);
// The `nth` value of a filter, from 0; NULL behind the last. The filters' own.
const char *filters_value(const struct filters *filters, const char *key, size_t nth);
// Whether one of the values is `text`.
bool filters_equal(const struct filters *filters, const char *key, const char *text);
// Whether one of the values is `text`, or a regular expression (pattern.h) that matches in it.
bool filters_match(const struct filters *filters, const char *key, const char *text);
// Whether `labels`, a JSON object of strings (NULL: none), has all of the filter's: "a=b", or "a"
// with any value.
bool filters_has_labels(const struct filters *filters, const char *key, const char *labels);
// Whether `labels` has none of the filter's, as "label!" asks.
bool filters_lacks_labels(const struct filters *filters, const char *key, const char *labels);
// A filter that is on or off ("true", "1", "false", "0"); `otherwise`: it is not there. Errors:
// ERR_INVALID, with a text for people.
__must_check error_t filters_switch(const struct filters *filters, const char *key, bool otherwise,
                                    bool *out, char error[static FILTERS_ERROR_MAX]);
// The time of the filter "until" of prunings: a date in UTC ("2025-11-29T06:41:41"), seconds since
// 1970, or how long before `now` ("1h30m"). NSEC_NEVER: it is not there. Errors: ERR_INVALID, with
// a text for people.
__must_check error_t filters_until(const struct filters *filters, nsec_t now, nsec_t *out,
                                   char error[static FILTERS_ERROR_MAX]);
// Writes what Docker says of a value that a filter cannot have: "invalid filter 'a=[b]'".
void filters_refuse(const char *key, const char *value, char error[static FILTERS_ERROR_MAX]);
