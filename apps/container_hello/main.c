// SPDX-License-Identifier: MIT
//
// An example: a container of an image that the host packed (LINUXRUN_IMAGES).
#include "libs/linux/container.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void container_hello_main(const struct environ *env)
{
	struct linux_runtime *runtime;
	struct command_output out;
	struct container *container;
	struct loop loop;

	if (loop_init(&loop) < 0 || linux_runtime_open(&loop, env, &runtime) < 0)
		process_exit(1);

	container = container_new(runtime, environ_config(env, "image"));
	container_entrypoint(container, "/bin/sh");
	container_args(container, "-c", "printf \"Hello from container, $MY_VAR\"", NULL);
	container_env(container, "MY_VAR", "my_value");
	if (container_run(container) < 0 || container_wait_with_output(container, &out) < 0)
		log_error("the container could not be started");
	else if (out.error[0] != '\0')
		log_error("%s", out.error);
	else
		log_info("Container output: %.*s", (int)out.stdout.len,
		         (const char *)out.stdout.data);

	command_output_deinit(&out);
	container_free(container);
	linux_runtime_close(runtime);
}

APP(container_hello, .main = container_hello_main, .memory_limit = 256ul * 1024 * 1024,
    .needs = { LINUX_NEEDS, { NEED_CONFIG, "image", "ubuntu:20.04", 0 } });
