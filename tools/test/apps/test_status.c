// SPDX-License-Identifier: MIT
//
// Logs what would steer a terminal, and ends with a status.
#include "libs/abi/app.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void test_status_main(const struct environ *env)
{
	(void)env;
	// ESC and CSI, this as a byte and as UTF-8, and what is to be seen.
	log_info("cleared: \x1b[2J, \x9b"
	         "2J, \xc2\x9b"
	         "2J, \u00e4");
	process_exit(3);
}

APP(test_status, .main = test_status_main);
