// SPDX-License-Identifier: MIT
//
// test_cycle_a and test_cycle_b need each other.
#include "libs/abi/app.h"

static void test_cycle_a_main(const struct environ *env)
{
	(void)env;
}

APP(test_cycle_a, .main = test_cycle_a_main, .provides = { "cycle_a" },
    .needs = { { NEED_SERVICE, "cycle_b" } });
