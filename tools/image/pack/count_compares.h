// SPDX-License-Identifier: MIT
//
// For squashfs_test: counts the comparisons of names. Included before all else of each source.
#pragma once

#include <string.h>

extern unsigned long compares;

// As strcmp(), and counts the call in `compares`.
int counted_strcmp(const char *a, const char *b);
#define strcmp counted_strcmp
