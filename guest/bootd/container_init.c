// SPDX-License-Identifier: MIT
#include "guest/bootd/container_init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/bootd/added_mounts.h"
#include "guest/bootd/cgroup.h"
#include "guest/bootd/credentials.h"
#include "guest/bootd/control_frame.h"
#include "guest/bootd/image_path.h"
#include "guest/bootd/init_process.h"
#include "guest/bootd/lookup.h"
#include "guest/bootd/mount.h"
#include "guest/bootd/network.h"
#include "guest/bootd/pty.h"

static int set_names(const struct config *config, struct failure *failure)
{
	if (config->hostname != NULL &&
	    sethostname(config->hostname, strlen(config->hostname)) != 0)
		return failure_errno(failure, "set the host name '%.100s'", config->hostname);
	if (config->domainname != NULL &&
	    setdomainname(config->domainname, strlen(config->domainname)) != 0)
		return failure_errno(failure, "set the domain name '%.100s'", config->domainname);
	return 0;
}

static int set_stdio(const struct container_args *args, int *master, struct failure *failure)
{
	const struct config_process *process = &args->config->process;

	*master = -1;
	if (process->terminal) {
		*master = pty_open(process, failure);
		return *master < 0 ? *master : 0;
	}
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(args->stdio[fd], fd) < 0)
			return failure_errno(failure, "set up file descriptor %d", fd);
		// So that the user may open /dev/stdout and the like again.
		if (process->uid != 0 && fchown(fd, process->uid, (gid_t)-1) != 0)
			return failure_errno(failure, "give file descriptor %d to the user", fd);
	}
	return 0;
}

// The working directory is made when the image lacks it, as Docker does.
static int enter_directory(const char *path, struct failure *failure)
{
	char real[PATH_MAX];

	if (image_path_make(path, real) != 0)
		return failure_errno(failure, "make the working directory %.200s", path);
	if (chdir(real) != 0)
		return failure_errno(failure, "chdir to cwd (\"%.200s\") set in config.json failed",
		                     path);
	return 0;
}

static int set_oom_score(const struct config_process *process, struct failure *failure)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", process->oom_score_adj);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || write(fd, text, (size_t)length) != length)
		return failure_errno(failure, "set oom_score_adj to %s", text);
	close(fd);
	return 0;
}

// What the process sees.
static int set_up_view(const struct config *config, struct failure *failure)
{
	int error;

	setsid();
	umask(0);
	if ((error = cgroup_enter(failure)) != 0 || (error = mount_enter(failure)) != 0 ||
	    (error = mount_all(config, failure)) != 0)
		return error;
	umask(022);
	return 0;
}

// What it may not touch.
static int seal_view(const struct config *config, struct failure *failure)
{
	int error = mount_write_sysctls(config, failure);

	return error != 0 ? error : mount_seal(config, failure);
}

// What is the process's own.
static int set_up_process(const struct container_args *args, int *master, int *shares,
                          char *program, size_t size, struct failure *failure)
{
	struct config *config = args->config;
	struct config_process *process = &config->process;
	int error;

	if ((error = mount_volumes(config, failure)) != 0 ||
	    (error = mount_write_files(config, failure)) != 0 ||
	    (config->network != NULL && (error = network_write_files(config, failure)) != 0) ||
	    (error = set_names(config, failure)) != 0 ||
	    (error = credentials_resolve(process, failure)) != 0 ||
	    (error = set_stdio(args, master, failure)) != 0 ||
	    (error = added_mounts_make(config, shares, failure)) != 0 ||
	    (error = enter_directory(process->cwd, failure)) != 0)
		return error;
	if (process->has_oom_score_adj && (error = set_oom_score(process, failure)) != 0)
		return error;
	// The default view, which is sealed ahead, hides and seals nothing of what is written
	// above.
	if (args->order == NULL && (error = seal_view(config, failure)) != 0)
		return error;
	if ((args->readonly_root || config->readonly) && (error = mount_seal_root(failure)) != 0)
		return error;
	if ((error = credentials_apply(process, failure)) != 0)
		return error;
	return lookup_program(process->args.items[0], config_env_get(&process->env, "PATH"),
	                      program, size, failure);
}

static _Noreturn void fail(int socket, const struct failure *failure)
{
	struct report report = { .kind = REPORT_FAILED, .failure = *failure };

	(void)!send(socket, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(failure->status);
}

static void report_created(int socket, int master, int shares)
{
	struct report report = { .kind = REPORT_CREATED,
		                 .has_master = master >= 0,
		                 .has_shares = shares >= 0 };
	struct iovec vector = { &report, sizeof(report) };
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	const int both[] = { master >= 0 ? master : shares, shares };
	size_t size = ((size_t)report.has_master + report.has_shares) * sizeof(int);

	if (size > 0) {
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(size);

		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(header), both, size);
	}
	if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		_exit(FAILURE_SETUP);
	if (master >= 0)
		close(master);
	if (shares >= 0)
		close(shares);
}

// Says that all but the order is there, and waits for it.
static int take_order(struct container_args *args, struct failure *failure)
{
	const struct container_order *order = args->order;
	struct report prepared = { .kind = REPORT_PREPARED };
	char record;
	int error = seal_view(args->config, failure);

	if (error != 0)
		return error;
	if (send(args->socket, &prepared, sizeof(prepared), MSG_NOSIGNAL) < 0 ||
	    recv(args->socket, &record, sizeof(record), 0) <= 0)
		_exit(FAILURE_SETUP);  // nobody wants it any more
	error = config_parse(args->config, order->text, order->size, failure);
	args->config->network = order->has_network ? &order->network : NULL;
	args->readonly_root = order->readonly_root;
	return error;
}

// Waits for bootd's word and announces the start. The control port is blocking: the write is whole.
static void wait_and_announce(const struct container_args *args)
{
	uint8_t frames[CONTAINER_MAX_GO + sizeof(struct control_header)];
	struct control_header started = { .type = CONTROL_EVENT_STARTED, .process = args->process };
	ssize_t got = recv(args->socket, frames, CONTAINER_MAX_GO, 0);
	size_t used = got > 0 ? (size_t)got : 0;

	// bootd is gone, and with it the guest.
	if (got <= 0)
		_exit(FAILURE_SETUP);
	// The first byte is there to make the record more than empty.
	(void)!frame_append(frames, sizeof(frames), &used, &started, NULL, 0, NULL, 0);
	(void)!write(args->control, frames + 1, used - 1);
}

_Noreturn void container_run(struct container_args *args)
{
	struct config_process *process = &args->config->process;
	struct failure failure;
	char program[PATH_MAX];
	int shares = -1;
	int master;

	if (set_up_view(args->config, &failure) != 0 ||
	    (args->order != NULL && take_order(args, &failure) != 0) ||
	    set_up_process(args, &master, &shares, program, sizeof(program), &failure) != 0)
		fail(args->socket, &failure);
	report_created(args->socket, master, shares);
	wait_and_announce(args);
	if (args->config->init != NULL)
		init_process_begin();

	execve(program, (char *const *)(uintptr_t)process->args.items,
	       (char *const *)(uintptr_t)process->env.items);
	// A script whose interpreter is not there is ENOENT too.
	int error = errno;
	failure_set(&failure, error == ENOENT ? FAILURE_NOT_FOUND : FAILURE_NOT_EXECUTABLE, -error,
	            "exec %.200s: %s", program,
	            error == ENOEXEC ? "exec format error" : strerror(error));
	fail(args->socket, &failure);
}
