// SPDX-License-Identifier: MIT
//
// Needs the service of an app that cannot be started.
#include "libs/abi/app.h"
#include "libs/starina/log.h"

static void test_behind_main(const struct environ *env)
{
	(void)env;
	log_error("test_behind was started");
}

APP(test_behind, .main = test_behind_main, .needs = { { NEED_SERVICE, "test_unmet" } });
