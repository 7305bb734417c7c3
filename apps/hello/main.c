// SPDX-License-Identifier: MIT
//
// The smallest app: says hello and ends.
#include "libs/abi/app.h"
#include "libs/starina/log.h"

static void hello_main(const struct environ *env)
{
	(void)env;
	log_info("Hello World!");
}

APP(hello, .main = hello_main);
