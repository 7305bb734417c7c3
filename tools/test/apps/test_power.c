// SPDX-License-Identifier: MIT
//
// Needs a boot argument, test_power.code, and switches the machine off with that code.
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void test_power_main(const struct environ *env)
{
	uint64_t code = 0;

	if (environ_config_u64(env, "code", &code) != 0)
		log_error("test_power.code is not a number");
	else
		system_power_off(environ_system(env), (int)code);
}

APP(test_power, .main = test_power_main, .needs = { { NEED_CONFIG, "code" }, { NEED_SYSTEM } });
