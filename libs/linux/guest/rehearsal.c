// SPDX-License-Identifier: MIT
#include "libs/linux/guest/rehearsal.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/linux/guest/cgroup.h"
#include "libs/linux/guest/config.h"
#include "libs/linux/guest/process.h"
#include "libs/linux/guest/rootfs.h"

static const char config_text[] = "{\"process\":{\"args\":[\"" REHEARSAL_PROGRAM "\",\"" REHEARSAL_ARGUMENT "\"],\"env\":[\"PATH=/\"],"
				  "\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\"},\"hostname\":\"rehearsal\"}";

static void run(struct process *process)
{
	struct pollfd entries[PROCESS_NUM_POLLS];

	while (process->state != PROCESS_FAILED && !process_finished(process)) {
		process_poll(process, entries);
		if (poll(entries, PROCESS_NUM_POLLS, -1) < 0)
			return;
		process_run(process, entries);
	}
}

static _Noreturn void rehearse_child(int control)
{
	static struct process process;
	static struct config config;
	struct failure failure = { 0 };

	if (unshare(CLONE_NEWNS) != 0 ||
	    config_parse(&config, config_text, sizeof(config_text) - 1, &failure) != 0 ||
	    rootfs_rehearse(&failure) != 0 || process_create(&process, &config, false, control, &failure) != 0 ||
	    process_go(&process, NULL, 0) != 0)
		_exit(1);
	run(&process);
	cgroup_remove();
	_exit(0);
}

bool rehearse(int control)
{
	pid_t pid = fork();

	if (pid == 0)
		rehearse_child(control);
	if (pid < 0)
		return false;
	struct pollfd entries[2] = {
		{ .fd = control, .events = POLLIN },
		{ .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
	};

	while (poll(entries, 2, -1) < 0)
		;
	bool over = entries[1].revents != 0;
	if (!over)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cgroup_allow_all();
	if (entries[1].fd >= 0)
		close(entries[1].fd);
	return over;
}
