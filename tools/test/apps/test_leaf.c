// SPDX-License-Identifier: MIT
//
// Faults in a function that calls nothing, and so has not saved its return address.
#include "libs/abi/app.h"

static __attribute__((noinline)) int leaf(const volatile int *p)
{
	return *p;
}

static __attribute__((noinline)) int calls_the_leaf(const volatile int *p)
{
	return leaf(p) + 1;
}

static void test_leaf_main(const struct environ *env)
{
	int volatile sum;

	(void)env;
	sum = calls_the_leaf(NULL) + 1;
	(void)sum;
}

APP(test_leaf, .main = test_leaf_main);
