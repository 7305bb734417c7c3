// SPDX-License-Identifier: MIT
//
// Ends with a status.
#include "libs/abi/app.h"
#include "libs/starina/syscall.h"

static void test_status_main(const struct environ *env)
{
	(void)env;
	process_exit(3);
}

APP(test_status, .main = test_status_main);
