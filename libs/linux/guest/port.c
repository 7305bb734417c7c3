// SPDX-License-Identifier: MIT
#include "libs/linux/guest/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

// Open ports, as descriptor + 1.
static int opened[GUEST_NUM_PORTS];

static int open_node(enum guest_port port, int flags)
{
	char path[] = "/dev/vport0p0";
	char events[512];

	path[sizeof(path) - 2] = (char)('0' + port);
	flags |= O_RDWR | O_CLOEXEC;

	int fd = open(path, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : -errno;

	// The driver adds ports from a work queue as the host announces them, maybe after init has started.
	int watch = inotify_init1(IN_CLOEXEC);
	if (watch < 0)
		return -errno;
	if (inotify_add_watch(watch, "/dev", IN_CREATE) >= 0) {
		while ((fd = open(path, flags)) < 0 && errno == ENOENT) {
			if (read(watch, events, sizeof(events)) <= 0)
				break;
		}
	}
	int error = errno;
	close(watch);
	return fd >= 0 ? fd : -error;
}

int port_open(enum guest_port port, int flags)
{
	if (opened[port] == 0) {
		int fd = open_node(port, flags);

		if (fd < 0)
			return fd;
		opened[port] = fd + 1;
	}
	return opened[port] - 1;
}
