// SPDX-License-Identifier: MIT
// Progress: lines in a log, one line that changes on a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/common/log.h"

#define MIB 1048576u

// What a step prints that is at `steps` MiB of `total` one after the other, with stderr at `fd`.
static void run_step(int fd, uint64_t total, unsigned steps)
{
	int saved = dup(STDERR_FILENO);
	struct progress progress;

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	progress_begin(&progress, "packing", total * MIB);
	progress_update(&progress, 0);  // too early to be worth a line
	for (unsigned i = 1; i <= steps; i++) {
		progress.next_ms = 0;
		progress_update(&progress, i * (uint64_t)MIB);
	}
	log_warn("something else");
	progress_end(&progress);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void test_log(void **state)
{
	char text[4096] = "";
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	run_step(fds[1], 4, 2);
	run_step(fds[1], 0, 1);
	run_step(fds[1], 1, 0);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "INFO   packing: 1.0 of 4.0 MiB (25%)\n["));
	assert_non_null(strstr(text, "INFO   packing: 2.0 of 4.0 MiB (50%)\n["));
	assert_non_null(strstr(text, "INFO   packing: done, 4.0 MiB in 0."));
	assert_non_null(strstr(text, "INFO   packing: 1.0 MiB\n"));
	assert_null(strchr(text, '\r'));
	// What was quick says nothing.
	assert_null(strstr(text, "of 1.0 MiB"));
	close(fds[0]);
	close(fds[1]);
}

static void test_terminal(void **state)
{
	char text[4096] = "";
	size_t len = 0;
	ssize_t got;
	int master;
	int slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	run_step(slave, 4, 2);
	close(slave);
	// It comes in pieces, and ends with EIO.
	while ((got = read(master, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	assert_non_null(strstr(text, "packing: 1.0 of 4.0 MiB (25%)\r\033[K["));
	// Other lines take its place.
	assert_non_null(strstr(
		text,
		"packing: 2.0 of 4.0 MiB (50%)\r\033[K[test        ] WARN   something else\r\n["));
	assert_non_null(strstr(text, "packing: done, 4.0 MiB in 0."));
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_terminal),
	};

	log_init("test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
