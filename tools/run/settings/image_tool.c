// SPDX-License-Identifier: MIT
#include "tools/run/settings/image_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/subprocess.h"
#include "tools/run/signals.h"

int image_tool_find(char path[PATH_MAX], struct error *err)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return error_set_errno(err, errno, "cannot find this program's directory");
	self[length] = '\0';
	if (snprintf(path, PATH_MAX, "%s/starina-image", dirname(self)) >= PATH_MAX)
		return error_set(err, "the path of starina-image is too long");
	return 0;
}

int image_tool_run(const char *const argv[], char output[PATH_MAX], struct error *err)
{
	struct spawn spawn = { .argv = argv,
		               .stdin_fd = -1,
		               .stdout_fd = -1,
		               .stderr_fd = -1,
		               .cwd_fd = -1,
		               .death_signal = SIGTERM };
	int fds[2] = { -1, -1 };
	ssize_t length = 0;
	pid_t pid;
	int status;

	if (output && pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "cannot make a pipe");
	spawn.stdout_fd = fds[1];
	pid = subprocess_spawn(&spawn, err);
	if (fds[1] >= 0)
		close(fds[1]);
	// A path is less than a pipe holds.
	status = pid > 0 ? signals_wait_child(pid) : -1;
	if (output && status == 0)
		length = read(fds[0], output, PATH_MAX - 1);
	if (fds[0] >= 0)
		close(fds[0]);
	if (pid < 0)
		return -1;
	err->text[0] = '\0';  // said already
	if (status != 0 || length < 0)
		return -1;
	if (output) {
		output[length] = '\0';
		output[strcspn(output, "\n")] = '\0';
	}
	return 0;
}
