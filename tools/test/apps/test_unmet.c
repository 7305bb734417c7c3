// SPDX-License-Identifier: MIT
//
// Needs a service that no app provides.
#include "libs/abi/app.h"
#include "libs/starina/log.h"

static void test_unmet_main(const struct environ *env)
{
	(void)env;
	log_error("test_unmet was started");
}

APP(test_unmet, .main = test_unmet_main, .provides = { "test_unmet" },
    .needs = { { NEED_SERVICE, "nowhere" } });
