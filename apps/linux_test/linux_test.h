// SPDX-License-Identifier: MIT
#pragma once

#include "libs/linux/container.h"

struct linux_test {
	const struct environ *env;
	struct loop loop;
	struct linux_runtime *runtime;
	handle_t system;
};

// Fails the test with the line that it stands in.
#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			log_error("%s:%d: %s", __FILE__, __LINE__, #condition); \
			return false;                                           \
		}                                                               \
	} while (0)

// Of the whole machine; 0 when it cannot be told.
uint64_t free_pages(const struct linux_test *t);
// CLOCK_MONOTONIC.
nsec_t now_ns(void);

// command_tests.c
bool test_output(struct linux_test *t);
bool test_statuses(struct linux_test *t);
bool test_environment(struct linux_test *t);
bool test_input(struct linux_test *t);
bool test_pipes(struct linux_test *t);
bool test_several(struct linux_test *t);
bool test_kill(struct linux_test *t);
bool test_too_much(struct linux_test *t);
bool test_errors(struct linux_test *t);
bool test_applets(struct linux_test *t);
bool test_docker(struct linux_test *t);
bool test_docker_errors(struct linux_test *t);
// container_tests.c
bool test_container(struct linux_test *t);
bool test_volumes(struct linux_test *t);
bool test_connect(struct linux_test *t);
bool test_publish(struct linux_test *t);
bool test_pool(struct linux_test *t);
bool test_warm_container(struct linux_test *t);
bool test_memory(struct linux_test *t);
// exec_tests.c
bool test_exec(struct linux_test *t);
bool test_exec_errors(struct linux_test *t);
bool test_exec_streams(struct linux_test *t);
bool test_exec_end(struct linux_test *t);
// commands_tests.c
bool test_commands_streams(struct linux_test *t);
bool test_commands_terminal(struct linux_test *t);
bool test_commands_errors(struct linux_test *t);
bool test_commands_clients(struct linux_test *t);
// files_tests.c
bool test_bind(struct linux_test *t);
bool test_volume_locks(struct linux_test *t);
bool test_bind_errors(struct linux_test *t);
// volume_tests.c
bool test_two_on_a_volume(struct linux_test *t);
