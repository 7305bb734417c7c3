// SPDX-License-Identifier: MIT
//
// The app manager: apps that come and go while the system runs.
#include "apps/app_manager/manager.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

struct loop manager_loop;
handle_t manager_launcher;

static void app_manager_main(const struct environ *env)
{
	error_t error = loop_init(&manager_loop);

	manager_launcher = environ_launcher(env);
	if (error == 0)
		error = apps_init();
	if (error == 0)
		error = requests_init(environ_service(env, "apps"));
	if (error != 0) {
		log_error("cannot provide \"apps\": %s", error_text(error));
		process_exit(1);
	}
	keep_restore();
	loop_run(&manager_loop);
}

APP(app_manager, .main = app_manager_main, .restart = RESTART_ALWAYS,
    // The files of all loaded apps.
    .memory_limit = 256ul * 1024 * 1024, .handle_limit = 8192, .provides = { "apps" },
    .needs = { { NEED_LAUNCHER, "launcher", NULL, 0 } });
