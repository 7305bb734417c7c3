// SPDX-License-Identifier: MIT
//
// What a request's target says (RFC 3986, RFC 9112 3.2): path, query, and what is behind their
// percent signs.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libs/abi/error.h"
#include "libs/base/span.h"

struct http_target {
	struct span path;   // from its first "/", as it came
	struct span query;  // behind "?", as it came; empty: none
};

// Splits a target; of one in absolute form ("http://host/path") scheme and authority are left out.
// Errors: ERR_INVALID (it has no path that begins with "/"; "*", for one).
__must_check error_t http_target_split(struct span target, struct http_target *out);

// Decodes "%XX" (and "+" to a blank, where `plus` says so, as in queries) into `out`, with a NUL
// behind it. Returns the length. Errors: ERR_INVALID (no hexadecimal digits, or a NUL byte),
// ERR_TOO_LARGE (more than size - 1 bytes).
error_t http_percent_decode(struct span text, bool plus, char *out, size_t size, size_t *len);

// The value of the key `name` (as it is when decoded) in a query, decoded into `out`: the `nth` one
// from 0, for a key may be repeated. A key without "=" has an empty value. Errors: ERR_NOT_FOUND
// (there are not so many), else as http_percent_decode's.
__must_check error_t http_query_value(struct span query, const char *name, unsigned nth, char *out,
                                      size_t size);
// Whether a switch is on: the key's last value is neither "", "0", "no", "false" nor "none"
// (without case). `otherwise`: the key is not there. Errors: as http_query_value's, but not
// ERR_NOT_FOUND.
__must_check error_t http_query_switch(struct span query, const char *name, bool otherwise,
                                       bool *out);
