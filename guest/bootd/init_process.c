// SPDX-License-Identifier: MIT
#include "guest/bootd/init_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SETUP 125
#define ALL_DESCRIPTORS (~0u)

// Its streams, and the socket whose end tells bootd of the start, are the child's alone.
static void descriptors_close(void)
{
	int fd;

	syscall(SYS_close_range, 0, ALL_DESCRIPTORS, 0);
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < STDERR_FILENO)
		;
}

static void children_wait(pid_t child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == child)
			_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static _Noreturn void watch(pid_t child, const sigset_t *all)
{
	for (;;) {
		int number = sigwaitinfo(all, NULL);

		if (number == SIGCHLD)
			children_wait(child);
		else if (number > 0)
			kill(child, number);
	}
}

// A group of its own, which the terminal's keys are for.
static void group_begin(const sigset_t *before)
{
	setpgid(0, 0);
	// All signals are blocked, so that SIGTTOU does not stop it.
	if (isatty(STDIN_FILENO))
		(void)tcsetpgrp(STDIN_FILENO, getpid());
	sigprocmask(SIG_SETMASK, before, NULL);
}

void init_process_begin(void)
{
	sigset_t before;
	sigset_t all;
	pid_t child;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	child = fork();
	if (child < 0)
		_exit(EXIT_SETUP);
	if (child == 0) {
		group_begin(&before);
		return;
	}
	prctl(PR_SET_NAME, "init");
	descriptors_close();
	watch(child, &all);
}
