// SPDX-License-Identifier: MIT
//
// Tests of libs/linux from within the running OS, with real guests. Each prints a line `ok NAME` or
// `FAIL NAME`, and the last line is `linux_test: N passed, N failed`. Timings are logged and never
// judged.
#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static const struct test_case {
	const char *name;
	bool (*run)(struct linux_test *t);
} tests[] = {
	{ "command.output", test_output },
	{ "command.statuses", test_statuses },
	{ "command.environment", test_environment },
	{ "command.input", test_input },
	{ "command.pipes", test_pipes },
	{ "command.several_at_once", test_several },
	{ "command.timeout_and_kill", test_kill },
	{ "command.too_much_output", test_too_much },
	{ "command.errors", test_errors },
	{ "command.applets", test_applets },
	{ "command.docker_run", test_docker },
	{ "command.docker_errors", test_docker_errors },
	{ "container.of_an_image", test_container },
	{ "container.volumes", test_volumes },
	{ "container.connect", test_connect },
	{ "container.publish", test_publish },
	{ "exec.of_a_program", test_exec },
	{ "exec.errors", test_exec_errors },
	{ "exec.streams", test_exec_streams },
	{ "exec.ends_with_the_container", test_exec_end },
	{ "service.streams", test_commands_streams },
	{ "service.terminal", test_commands_terminal },
	{ "service.errors", test_commands_errors },
	{ "service.clients", test_commands_clients },
	{ "vms.warm_start", test_pool },
	{ "vms.warm_container", test_warm_container },
	{ "vms.memory_comes_back", test_memory },
	{ "files.bind", test_bind },
	{ "files.errors", test_bind_errors },
	{ "volumes.two_containers", test_two_on_a_volume },
	{ "volumes.locks", test_volume_locks },
};

static void linux_test_main(const struct environ *env)
{
	const char *only = environ_config(env, "only");
	struct linux_test t = { .env = env, .system = environ_system(env) };
	unsigned int passed = 0, failed = 0;

	if (strcmp(only, "-") == 0)
		return;
	if (loop_init(&t.loop) < 0 || linux_runtime_open(&t.loop, env, &t.runtime) < 0)
		process_exit(1);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		nsec_t start = now_ns();
		bool good;

		if (strncmp(tests[i].name, only, strlen(only)) != 0)
			continue;
		good = tests[i].run(&t);
		log_info("%s %s (%u ms)", good ? "ok  " : "FAIL", tests[i].name,
		         (unsigned int)((now_ns() - start) / NSEC_PER_MSEC));
		*(good ? &passed : &failed) += 1;
	}
	linux_runtime_close(t.runtime);
	log_info("linux_test: %u passed, %u failed", passed, failed);
}

APP(linux_test, .main = linux_test_main, .memory_limit = 1024ul * 1024 * 1024,
    .needs = { LINUX_NEEDS,
               LINUX_FILES,
               { NEED_CONFIG, "only", "-", 0 },
               { NEED_SERVICE, "commands", NULL, 1 } });
