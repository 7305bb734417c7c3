// SPDX-License-Identifier: MIT
//
// Regular expressions, as the filters of lists have them (`docker ps -f name='^(web|db)-[0-9]+$'`):
// ^ $ . [] () | * + ? and backslashes. The time of a match is bound by the lengths of both.
#pragma once

#include <stdbool.h>

// Whether `pattern` matches somewhere in `text`. One that is none, or is too long, matches nothing.
bool pattern_matches(const char *pattern, const char *text);
