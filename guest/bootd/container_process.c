// SPDX-License-Identifier: MIT
#include "guest/bootd/container_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/container_init.h"
#include "guest/bootd/console_port.h"
#include "guest/bootd/process_ends.h"
#include "guest/bootd/touch.h"

#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)

static uint8_t buffers[PROCESS_NUM_RELAYS][RELAY_BUFFER];

// Waits for the process's report of a `kind`; takes the descriptors that may come with it.
static int wait_report(struct process *process, enum report_kind kind, struct failure *failure)
{
	struct report report;
	ssize_t got =
		report_receive(process->socket, 0, &report, &process->master, &process->shares);

	if (got != (ssize_t)sizeof(report))
		return failure_set(failure, FAILURE_SETUP, -ECHILD,
		                   "the container's first process died while it was set up");
	if (report.kind != kind) {
		*failure = report.failure;
		return failure->error;
	}
	return 0;
}

static void reap(struct process *process)
{
	process->status = pidfd_reap(&process->pidfd);
}

static void set_up_relays(struct process *process)
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
	relay_init(out, buffers[1], process->pipes[PROCESS_STDOUT], -1, GUEST_PORT_STDOUT);
	relay_init(err, buffers[2], process->pipes[PROCESS_STDERR], -1, GUEST_PORT_STDERR);
	process->pipes[PROCESS_STDOUT] = process->pipes[PROCESS_STDERR] = -1;
}

// Nothing is left of what was begun.
static void abandon(struct process *process)
{
	fds_close(&process->socket, 1);
	fds_close(&process->shares, 1);
	fds_close(process->pipes, PROCESS_NUM_RELAYS);
	if (process->pidfd >= 0)
		reap(process);
	if (process->order != NULL)
		munmap(process->order, sizeof(*process->order));
	process->order = NULL;
}

static long clone_into_group(struct process *process, const struct config_resources *resources,
                             int control, struct failure *failure)
{
	int group = cgroup_create(resources, control, failure);

	if (group < 0)
		return group;
	struct clone_args clone = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP | NAMESPACES,
		.cgroup = (uint32_t)group,
		.pidfd = (uint64_t)(uintptr_t)&process->pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &clone, sizeof(clone));

	if (pid < 0)
		pid = failure_errno(failure, "make the container's namespaces");
	close(group);
	return pid;
}

// Makes the process and waits until it reports `kind`.
static int begin(struct process *process, struct config *config, bool readonly_root, int control,
                 enum report_kind kind, struct failure *failure)
{
	int theirs[PROCESS_NUM_RELAYS] = { -1, -1, -1 };
	int sockets[2];

	process->pidfd = process->master = process->shares = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
		return failure_errno(failure, "make a socket pair");
	process->socket = sockets[0];
	long pid = pipes_make(process->pipes, theirs, config->process.terminal) == 0
		? clone_into_group(process, &config->resources, control, failure)
		: failure_errno(failure, "make pipes");
	if (pid == 0) {
		struct container_args args = {
			.config = config,
			.order = process->order,
			.process = process->number,
			.readonly_root = readonly_root,
			.stdio = { theirs[0], theirs[1], theirs[2] },
			.socket = sockets[1],
			// A rehearsal has nothing to announce.
			.control = process->number == 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC)
							: control,
		};
		close(process->socket);  // the end of bootd's is to be heard
		container_run(&args);
	}
	close(sockets[1]);
	fds_close(theirs, PROCESS_NUM_RELAYS);
	int error = pid < 0 ? (int)pid : wait_report(process, kind, failure);
	if (error != 0)
		abandon(process);
	return error;
}

int container_process_create(struct process *process, struct config *config, bool readonly_root,
                             int control, struct failure *failure)
{
	int error = begin(process, config, readonly_root, control, REPORT_CREATED, failure);

	if (error != 0)
		return error;
	set_up_relays(process);
	process->state = PROCESS_CREATED;
	return 0;
}

int container_process_prepare(struct process *process, struct config *config, int control,
                              struct failure *failure)
{
	process->order = mmap(NULL, sizeof(*process->order), PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (process->order == MAP_FAILED) {
		process->order = NULL;
		return failure_errno(failure, "get memory for the container's order");
	}
	int error = begin(process, config, false, control, REPORT_PREPARED, failure);

	if (error == 0)
		process->state = PROCESS_PREPARED;
	return error;
}

void container_process_set_order_text(struct process *process, const uint8_t *text, size_t size)
{
	memcpy(process->order->text, text, size);
	process->order->size = size;
}

int container_process_create_prepared(struct process *process, const struct config *config,
                                      bool readonly_root, struct failure *failure)
{
	struct container_order *order = process->order;
	int error;

	order->readonly_root = readonly_root;
	order->has_network = config->network != NULL;
	if (order->has_network)
		order->network = *config->network;
	if (send(process->socket, "", 1, MSG_NOSIGNAL) < 0)
		error = failure_errno(failure, "wake the prepared container");
	else
		error = wait_report(process, REPORT_CREATED, failure);
	if (error != 0) {
		abandon(process);
		return error;
	}
	set_up_relays(process);
	process->state = PROCESS_CREATED;
	return 0;
}

void container_process_discard(struct process *process)
{
	abandon(process);
	process->state = PROCESS_NONE;
}

int container_process_go(struct process *process, const uint8_t *frames, size_t size)
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

int container_process_signal(const struct process *process, int signal)
{
	return pidfd_signal(process->pidfd, signal);
}

void container_process_poll(const struct process *process, struct pollfd *entries)
{
	bool started = process->state >= PROCESS_STARTING;

	for (int i = 0; i < PROCESS_NUM_RELAYS; i++) {
		if (!started || !relay_poll(&process->relays[i], &entries[i]))
			entries[i].fd = -1;
		entries[i].revents = 0;
	}
	entries[3] = (struct pollfd){ .fd = started ? process->socket : -1, .events = POLLIN };
	entries[4] = (struct pollfd){ .fd = process->state >= PROCESS_CREATED ? process->pidfd : -1,
		                      .events = POLLIN };
}

static void start_stdin(struct process *process)
{
	struct relay *relay = &process->relays[PROCESS_STDIN];
	bool terminal = process->master >= 0;
	int port = console_port_open(GUEST_PORT_STDIN, O_NONBLOCK);

	relay_init(relay, buffers[0], port < 0 ? -1 : port,
	           terminal ? process->master : process->pipes[PROCESS_STDIN], -1);
	process->pipes[PROCESS_STDIN] = -1;
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
		touch_begin(process->shares);
		process->shares = -1;
	}
	close(process->socket);
	process->socket = -1;
}

void container_process_run(struct process *process, const struct pollfd *entries)
{
	// A process that was gone while poll() looked has closed its socket, even if it was looked
	// at before that.
	if (process->socket >= 0 && process->state >= PROCESS_STARTING &&
	    (entries[3].revents != 0 || entries[4].revents != 0))
		handle_socket(process);
	for (int i = 0; i < PROCESS_NUM_RELAYS; i++) {
		if (entries[i].fd >= 0)
			relay_run(&process->relays[i], entries[i].revents);
	}
	if (process->pidfd < 0 || entries[4].revents == 0)
		return;

	// The kernel lets the first process of a namespace go only when all others are gone.
	reap(process);
	// Its end is not to be taken for its start later.
	fds_close(&process->socket, 1);
	relay_close(&process->relays[PROCESS_STDIN]);
	fds_close(&process->pipes[PROCESS_STDIN], 1);
	touch_end();
	if (process->state != PROCESS_FAILED)
		process->state = PROCESS_EXITED;
}

bool container_process_finished(const struct process *process)
{
	return process->state == PROCESS_EXITED && relay_done(&process->relays[PROCESS_STDOUT]) &&
		relay_done(&process->relays[PROCESS_STDERR]);
}
