// SPDX-License-Identifier: MIT
#include "guest/bootd/added_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/process_init.h"

// The container's, but that of its PIDs, which is joined by being cloned into it.
#define JOINED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

static int join(int init, struct failure *failure)
{
	// What the container can see of this process is to be no way to bootd's memory and program.
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return failure_errno(failure, "hide the process that is set up");
	// Its root directory is what lies on top of the mount namespace's: the container's.
	if (setns(init, JOINED) != 0)
		return failure_errno(failure, "join the container's namespaces");
	setsid();
	umask(022);
	return 0;
}

static _Noreturn void run(struct config_process *process, int init, const int stdio[], int socket)
{
	struct failure failure;
	char program[PATH_MAX];
	int master;

	if (join(init, &failure) != 0 ||
	    process_init_streams(process, stdio, false, &master, &failure) != 0 ||
	    process_init_place(process, false, &failure) != 0 ||
	    process_init_user(process, program, &failure) != 0)
		process_fail(socket, &failure);
	if (master >= 0)
		process_report_created(socket, master, -1);
	process_execute(process, program, socket);
}

// A new process is in the PID namespace that its parent last joined.
static long clone_beside(int init, int *pidfd, struct failure *failure)
{
	struct clone_args clone = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int group = cgroup_open(failure);
	long pid = -1;

	if (group >= 0 && own >= 0 && setns(init, CLONE_NEWPID) == 0) {
		clone.cgroup = (uint32_t)group;
		pid = syscall(SYS_clone3, &clone, sizeof(clone));
		if (pid == 0)
			return 0;
		int error = errno;
		(void)setns(own, CLONE_NEWPID);
		errno = error;
	}
	if (pid < 0 && group >= 0)
		pid = failure_errno(failure, "make a process in the container");
	else if (group < 0)
		pid = group;
	fds_close((int[]){ own, group }, 2);
	return pid;
}

static bool is_beside(const struct config_process *process)
{
	return process->builtin == BUILTIN_LAYER || process->builtin == BUILTIN_FROZEN;
}

// Outside of the container's group, which may stand still, and of all that it can see.
static long clone_outside(int *pidfd, struct failure *failure)
{
	struct clone_args clone = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &clone, sizeof(clone));

	return pid >= 0 ? pid : failure_errno(failure, "make a process beside the container");
}

static int unblock(int fd)
{
	return fd < 0 ? 0 : fcntl(fd, F_SETFL, O_NONBLOCK);
}

int added_child_start(struct config_process *process, int init, struct added_child *child,
                      struct failure *failure)
{
	int theirs[PROCESS_NUM_STREAMS] = { -1, -1, -1 };
	int sockets[2];
	long pid = -1;

	child->pidfd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
		return failure_errno(failure, "make a socket pair");
	child->socket = sockets[0];
	if (pipes_make(child->pipes, theirs, process->terminal) != 0 ||
	    unblock(child->socket) != 0 || unblock(child->pipes[CONTROL_STDOUT]) != 0 ||
	    unblock(child->pipes[CONTROL_STDERR]) != 0)
		failure_errno(failure, "make pipes");
	else if (is_beside(process))
		pid = clone_outside(&child->pidfd, failure);
	else
		pid = clone_beside(init, &child->pidfd, failure);
	if (pid == 0 && is_beside(process))
		process_run_layer(process, theirs, sockets[1]);
	if (pid == 0)
		run(process, init, theirs, sockets[1]);
	close(sockets[1]);
	fds_close(theirs, PROCESS_NUM_STREAMS);
	if (pid > 0)
		return 0;
	fds_close(&child->socket, 1);
	fds_close(child->pipes, PROCESS_NUM_STREAMS);
	return failure->error;
}
