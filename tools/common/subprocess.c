// SPDX-License-Identifier: MIT
#include "tools/common/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs in the child. Returns only on failure, with errno set.
static void child_exec(const struct spawn *spawn, pid_t parent)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	if (null_fd < 0 ||
	    prctl(PR_SET_PDEATHSIG, spawn->death_signal ? spawn->death_signal : SIGKILL) < 0)
		return;
	if (getppid() != parent)
		_exit(127);  // it died before the line above: nobody waits for us
	if (spawn->own_group && setpgid(0, 0) < 0)
		return;
	if (dup2(spawn->stdin_fd < 0 ? null_fd : spawn->stdin_fd, STDIN_FILENO) < 0 ||
	    dup2(spawn->stdout_fd < 0 ? null_fd : spawn->stdout_fd, STDOUT_FILENO) < 0)
		return;
	if (spawn->stderr_fd >= 0 && dup2(spawn->stderr_fd, STDERR_FILENO) < 0)
		return;
	for (unsigned i = 0; i < spawn->num_pass_fds; i++)
		if (fcntl(spawn->pass_fds[i], F_SETFD, 0) < 0)
			return;
	if (spawn->cwd_fd >= 0 && fchdir(spawn->cwd_fd) < 0)
		return;
	if (spawn->temp_dir && setenv("TMPDIR", spawn->temp_dir, 1) < 0)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	// execvp's prototype predates const; it does not write to the strings.
	execvp(spawn->argv[0], (char *const *)(uintptr_t)spawn->argv);
}

pid_t subprocess_spawn(const struct spawn *spawn, struct error *err)
{
	pid_t parent = getpid();
	int report[2];  // carries errno when exec fails, nothing when it works
	int child_errno = 0;
	ssize_t length;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid < 0) {
		error_set_errno(err, errno, "cannot start %s", spawn->argv[0]);
		close(report[0]);
		close(report[1]);
		return -1;
	}
	if (pid == 0) {
		child_exec(spawn, parent);
		child_errno = errno;
		length = write(report[1], &child_errno, sizeof(child_errno));
		_exit(length < 0 ? 126 : 127);
	}
	close(report[1]);
	do
		length = read(report[0], &child_errno, sizeof(child_errno));
	while (length < 0 && errno == EINTR);
	close(report[0]);
	if (length > 0) {
		subprocess_wait(pid);
		return error_set(err, "cannot run %s: %s", spawn->argv[0], strerror(child_errno));
	}
	return pid;
}

static int status_decode(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int subprocess_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return status_decode(status);
}

int subprocess_poll(pid_t pid)
{
	int status;
	pid_t ended = waitpid(pid, &status, WNOHANG);

	if (ended == 0 || (ended < 0 && errno == EINTR))
		return -1;
	return ended < 0 ? 127 : status_decode(status);
}
