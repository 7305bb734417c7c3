// SPDX-License-Identifier: MIT
//
// Provides a service that another app of the image provides, too.
#include "libs/abi/app.h"

static void test_twice_main(const struct environ *env)
{
	(void)env;
}

APP(test_twice, .main = test_twice_main, .provides = { "echo" });
