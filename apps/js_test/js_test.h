// SPDX-License-Identifier: MIT
//
// Tests of what apps in TypeScript stand on, in the OS: the C library, and QuickJS by its own
// tests.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libs/base/string.h"
#include "libs/starina/log.h"

struct test {
	const char *name;  // NULL: the last
	void (*run)(void);
};

extern const struct test c_tests[];
extern const struct test quickjs_tests[];

// Notes that the test that runs has failed, and logs where.
void test_failed(const char *what, const char *file, int line);
#define expect(condition) ((condition) ? (void)0 : test_failed(#condition, __FILE__, __LINE__))

// A file of QuickJS's tests, with NUL behind it; NULL when there is none of this name.
const char *test_file(const char *name, size_t *len);
