// SPDX-License-Identifier: MIT
#include "guest/bootd/process_init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/credentials.h"
#include "guest/bootd/image_path.h"
#include "guest/bootd/layer.h"
#include "guest/bootd/lookup.h"
#include "guest/bootd/pty.h"

int process_init_streams(struct config_process *process, const int stdio[3], bool is_console,
                         int *master, struct failure *failure)
{
	int error = credentials_resolve(process, failure);

	*master = -1;
	if (error != 0)
		return error;
	if (process->terminal) {
		*master = pty_open(process, is_console, failure);
		return *master < 0 ? *master : 0;
	}
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(stdio[fd], fd) < 0)
			return failure_errno(failure, "set up file descriptor %d", fd);
		// So that the user may open /dev/stdout and the like again.
		if (process->uid != 0 && fchown(fd, process->uid, (gid_t)-1) != 0)
			return failure_errno(failure, "give file descriptor %d to the user", fd);
	}
	return 0;
}

// A path of the image's that has to be made goes through links that lead nowhere, too.
static int enter_directory(const char *path, bool makes_it, struct failure *failure)
{
	char real[PATH_MAX];

	if (makes_it && image_path_make(path, real) != 0)
		return failure_errno(failure, "make the working directory %.200s", path);
	if (chdir(makes_it ? real : path) != 0)
		return failure_set(failure, FAILURE_SETUP, -errno,
		                   "chdir to cwd (\"%.200s\") set in config.json failed: %s", path,
		                   failure_words(errno));
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

int process_init_place(const struct config_process *process, bool is_first, struct failure *failure)
{
	int error = enter_directory(process->cwd, is_first, failure);

	return error == 0 && process->has_oom_score_adj ? set_oom_score(process, failure) : error;
}

int process_init_user(const struct config_process *process, char program[PATH_MAX],
                      struct failure *failure)
{
	int error = credentials_apply(process, failure);

	if (error != 0 || process->builtin != BUILTIN_NONE)
		return error;
	return lookup_program(process->args.items[0], config_env_get(&process->env, "PATH"),
	                      program, PATH_MAX, failure);
}

void process_report_created(int socket, int master, int shares)
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

_Noreturn void process_fail(int socket, const struct failure *failure)
{
	struct report report = { .kind = REPORT_FAILED, .failure = *failure };

	(void)!send(socket, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(failure->status);
}

// "put PATH OPTIONS USER" names the owner of all in the image's words.
static int run_archive(const struct config_process *process)
{
	char *const *words = (char *const *)(uintptr_t)process->args.items;
	struct failure failure;
	uid_t uid = 0;
	gid_t gid = 0;

	if (process->args.count > 3 && credentials_find(words[3], &uid, &gid, &failure) != 0)
		return ARCHIVE_FAILED;
	return archive_run(words, uid, gid);
}

// Nothing but its streams is left to it; that the socket is closed tells bootd of its start.
static void keep_streams(void)
{
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) != 0)
		_exit(FAILURE_SETUP);
}

_Noreturn void process_run_layer(const struct config_process *process, const int stdio[3],
                                 int socket)
{
	struct failure failure;

	for (int fd = 0; fd < 3; fd++) {
		if (dup2(stdio[fd], fd) < 0) {
			failure_errno(&failure, "set up file descriptor %d", fd);
			process_fail(socket, &failure);
		}
	}
	keep_streams();
	_exit(layer_run((char *const *)(uintptr_t)process->args.items, STDOUT_FILENO));
}

// What the container can see of it is to be no way to bootd's memory.
static _Noreturn void run_builtin(const struct config_process *process)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		_exit(FAILURE_SETUP);
	keep_streams();
	if (process->builtin == BUILTIN_ARCHIVE)
		_exit(run_archive(process));
	for (;;)
		pause();
}

_Noreturn void process_execute(const struct config_process *process, const char *program,
                               int socket)
{
	struct failure failure;

	if (process->builtin != BUILTIN_NONE)
		run_builtin(process);

	execve(program, (char *const *)(uintptr_t)process->args.items,
	       (char *const *)(uintptr_t)process->env.items);
	// A script whose interpreter is not there is ENOENT too.
	int error = errno;
	failure_set(&failure, error == ENOENT ? FAILURE_NOT_FOUND : FAILURE_NOT_EXECUTABLE, -error,
	            "exec %.200s: %s", program, failure_words(error));
	process_fail(socket, &failure);
}
