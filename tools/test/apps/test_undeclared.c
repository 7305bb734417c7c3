// SPDX-License-Identifier: MIT
//
// Asks for a boot argument that its spec does not declare.
#include "libs/abi/app.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

static void test_undeclared_main(const struct environ *env)
{
	log_info("the color is %zu letters long", strlen(environ_config(env, "color")));
}

APP(test_undeclared, .main = test_undeclared_main);
