// SPDX-License-Identifier: MIT
//
// Needs a device that no machine has.
#include "libs/abi/app.h"
#include "libs/starina/log.h"

static void test_device_main(const struct environ *env)
{
	(void)env;
	log_error("test_device was started");
}

APP(test_device, .main = test_device_main, .needs = { { NEED_DEVICE, "acme,frobnicator" } });
