// SPDX-License-Identifier: MIT
#include "guest/bootd/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int pty_resize(int master, uint16_t rows, uint16_t columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	return ioctl(master, TIOCSWINSZ, &size) == 0 ? 0 : -errno;
}

static int make_console(int number, struct failure *failure)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	if ((mknod("/dev/console", S_IFREG | 0600, 0) != 0 && errno != EEXIST) ||
	    mount(path, "/dev/console", NULL, MS_BIND, NULL) != 0)
		return failure_errno(failure, "make /dev/console");
	return 0;
}

int pty_open(const struct config_process *process, bool is_console, struct failure *failure)
{
	int unlock = 0;
	int number;
	int slave;
	int error;
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (master < 0)
		return failure_errno(failure, "open a terminal");
	if (ioctl(master, TIOCSPTLCK, &unlock) != 0 || ioctl(master, TIOCGPTN, &number) != 0 ||
	    (slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY)) < 0) {
		error = failure_errno(failure, "open a terminal");
		goto out_master;
	}
	if (process->rows != 0)
		(void)pty_resize(master, process->rows, process->columns);
	if (fchown(slave, process->uid, (gid_t)-1) != 0 || dup2(slave, 0) < 0 ||
	    dup2(slave, 1) < 0 || dup2(slave, 2) < 0 || ioctl(0, TIOCSCTTY, 0) != 0) {
		error = failure_errno(failure, "make the terminal the controlling one");
		goto out_slave;
	}
	error = is_console ? make_console(number, failure) : 0;
	if (error != 0)
		goto out_slave;
	if (slave > 2)
		close(slave);
	return master;

out_slave:
	close(slave);
out_master:
	close(master);
	return error;
}
