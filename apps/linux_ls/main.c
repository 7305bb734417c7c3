// SPDX-License-Identifier: MIT
//
// An example: a Linux command from a native app.
#include "libs/linux/command.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void linux_ls_main(const struct environ *env)
{
	struct linux_runtime *runtime;
	struct command_output out;
	struct command *ls;
	struct loop loop;

	if (loop_init(&loop) < 0 || linux_runtime_open(&loop, env, &runtime) < 0)
		process_exit(1);

	ls = command_new(runtime, "ls");
	command_args(ls, "-la", "/", NULL);
	if (command_output(ls, &out) < 0)
		log_error("ls could not be started");
	else if (out.error[0] != '\0')
		log_error("ls: %s", out.error);
	else
		log_text(LOG_INFO, out.stdout);

	command_output_deinit(&out);
	command_free(ls);
	linux_runtime_close(runtime);
}

APP(linux_ls, .main = linux_ls_main, .memory_limit = 256ul * 1024 * 1024, .needs = { LINUX_NEEDS });
