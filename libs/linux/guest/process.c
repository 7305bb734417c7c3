// SPDX-License-Identifier: MIT
#include "libs/linux/guest/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/linux/guest/cgroup.h"
#include "libs/linux/guest/container.h"
#include "libs/linux/guest/port.h"

#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)

static uint8_t buffers[PROCESS_NUM_RELAYS][RELAY_BUFFER];

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

// Pairs [2i] (to read) and [2i + 1] (to write) for stdin, stdout and stderr.
static int make_pipes(int pipes[6], bool terminal)
{
	for (int i = 0; i < 6; i++)
		pipes[i] = -1;
	if (terminal)
		return 0;
	if (pipe2(&pipes[0], O_CLOEXEC) != 0 || pipe2(&pipes[2], O_CLOEXEC) != 0 ||
	    pipe2(&pipes[4], O_CLOEXEC) != 0 || fcntl(pipes[1], F_SETFL, O_NONBLOCK) != 0)
		return -1;
	return 0;
}

// Waits for the process's report; takes the terminal's master that may come with it.
static int wait_created(struct process *process, struct failure *failure)
{
	struct report report;
	struct iovec vector = { &report, sizeof(report) };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t got = recvmsg(process->socket, &message, MSG_CMSG_CLOEXEC);

	if (got != (ssize_t)sizeof(report))
		return failure_set(failure, FAILURE_SETUP, -ECHILD,
				   "the container's first process died while it was set up");
	if (report.kind != REPORT_CREATED) {
		*failure = report.failure;
		return failure->error;
	}
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_type == SCM_RIGHTS)
		memcpy(&process->master, CMSG_DATA(header), sizeof(int));
	return 0;
}

static void reap(struct process *process)
{
	siginfo_t info;

	if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED) == 0)
		process->status = info.si_code == CLD_EXITED ? (uint32_t)info.si_status
							     : 128u + (uint32_t)info.si_status;
	close(process->pidfd);
	process->pidfd = -1;
}

static void set_up_relays(struct process *process, const int pipes[6])
{
	struct relay *out = &process->relays[PROCESS_STDOUT];
	struct relay *err = &process->relays[PROCESS_STDERR];

	// stdin's port is opened when the process runs: that is not to delay its start.
	relay_init(&process->relays[PROCESS_STDIN], buffers[0], -1, -1, -1);
	if (process->master >= 0) {
		relay_init(out, buffers[1], process->master, -1, GUEST_PORT_STDOUT);
		relay_init(err, buffers[2], -1, -1, -1);
		out->shared_from = true;
		return;
	}
	process->stdin_pipe = pipes[1];
	relay_init(out, buffers[1], pipes[2], -1, GUEST_PORT_STDOUT);
	relay_init(err, buffers[2], pipes[4], -1, GUEST_PORT_STDERR);
}

int process_create(struct process *process, struct config *config, bool readonly_root, int control,
		   struct failure *failure)
{
	int pipes[6];
	int sockets[2];
	int error;

	process->pidfd = process->master = process->stdin_pipe = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
		return failure_errno(failure, "make a socket pair");
	process->socket = sockets[0];
	if (make_pipes(pipes, config->process.terminal) != 0) {
		error = failure_errno(failure, "make pipes");
		goto out;
	}
	int group = cgroup_create(&config->resources, control, failure);
	if (group < 0) {
		error = group;
		goto out;
	}

	struct clone_args clone = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP | NAMESPACES,
		.cgroup = (uint32_t)group,
		.pidfd = (uint64_t)(uintptr_t)&process->pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &clone, sizeof(clone));
	if (pid != 0)
		close(group);
	if (pid < 0) {
		error = failure_errno(failure, "make the container's namespaces");
		goto out;
	}
	if (pid == 0) {
		struct container_args args = {
			.config = config,
			.process = process->number,
			.readonly_root = readonly_root,
			.stdio = { pipes[0], pipes[3], pipes[5] },
			.socket = sockets[1],
			// A rehearsal has nothing to announce.
			.control = process->number == 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : control,
		};
		container_run(&args);
	}

	close(sockets[1]);
	sockets[1] = -1;
	close_all((int[]){ pipes[0], pipes[3], pipes[5] }, 3);
	pipes[0] = pipes[3] = pipes[5] = -1;
	error = wait_created(process, failure);
	if (error != 0) {
		reap(process);
		goto out;
	}
	set_up_relays(process, pipes);
	process->state = PROCESS_CREATED;
	return 0;

out:
	close_all(sockets, 2);
	close_all(pipes, 6);
	process->socket = -1;
	return error;
}

int process_go(struct process *process, const uint8_t *frames, size_t size)
{
	uint8_t record[CONTAINER_MAX_GO] = { 0 };

	if (size > sizeof(record) - 1)
		return -E2BIG;
	memcpy(record + 1, frames, size);
	if (send(process->socket, record, size + 1, MSG_NOSIGNAL) < 0)
		return -errno;
	process->state = PROCESS_STARTING;
	return 0;
}

int process_signal(const struct process *process, int signal)
{
	if (process->pidfd < 0)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

void process_poll(const struct process *process, struct pollfd *entries)
{
	bool started = process->state >= PROCESS_STARTING;

	for (int i = 0; i < PROCESS_NUM_RELAYS; i++) {
		if (!started || !relay_poll(&process->relays[i], &entries[i]))
			entries[i].fd = -1;
		entries[i].revents = 0;
	}
	entries[3] = (struct pollfd){ .fd = started ? process->socket : -1, .events = POLLIN };
	entries[4] = (struct pollfd){ .fd = process->pidfd, .events = POLLIN };
}

static void start_stdin(struct process *process)
{
	struct relay *relay = &process->relays[PROCESS_STDIN];
	bool terminal = process->master >= 0;
	int port = port_open(GUEST_PORT_STDIN, O_NONBLOCK);

	relay_init(relay, buffers[0], port < 0 ? -1 : port,
		   terminal ? process->master : process->stdin_pipe, -1);
	process->stdin_pipe = -1;
	relay->shared_from = true;
	relay->shared_to = terminal;
	if (port < 0)
		relay_close(relay);
}

// execve closed the socket, or its failure was reported on it.
static void handle_socket(struct process *process)
{
	struct report report;
	ssize_t got = recv(process->socket, &report, sizeof(report), MSG_DONTWAIT);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got == (ssize_t)sizeof(report) && report.kind == REPORT_FAILED) {
		process->failure = report.failure;
		process->state = PROCESS_FAILED;
	} else {
		process->state = PROCESS_RUNNING;
		start_stdin(process);
	}
	close(process->socket);
	process->socket = -1;
}

void process_run(struct process *process, const struct pollfd *entries)
{
	if (process->socket >= 0 && entries[3].revents != 0)
		handle_socket(process);
	for (int i = 0; i < PROCESS_NUM_RELAYS; i++) {
		if (entries[i].fd >= 0)
			relay_run(&process->relays[i], entries[i].revents);
	}
	if (process->pidfd < 0 || entries[4].revents == 0)
		return;

	// The kernel lets the first process of a namespace go only when all others are gone.
	reap(process);
	relay_close(&process->relays[PROCESS_STDIN]);
	if (process->stdin_pipe >= 0)
		close(process->stdin_pipe);
	process->stdin_pipe = -1;
	if (process->state != PROCESS_FAILED)
		process->state = PROCESS_EXITED;
}

bool process_finished(const struct process *process)
{
	return process->state == PROCESS_EXITED && relay_done(&process->relays[PROCESS_STDOUT]) &&
	       relay_done(&process->relays[PROCESS_STDERR]);
}
