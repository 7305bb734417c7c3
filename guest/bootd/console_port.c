// SPDX-License-Identifier: MIT
#include "guest/bootd/console_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

// Open ports, as descriptor + 1.
static int opened[GUEST_NUM_PORTS];

// The driver names ports /dev/vport<index of the virtio device>p<port>. Our VMM has the console
// first.
#define MAX_DEVICES 16
#define PAUSE_NS 200000
#define MAX_PAUSES 25000
static int device;

// QEMU's device, which bootd_test.py uses, reserves port 0: there the kernel's command line says
// BOOTD_FIRST_PORT=1, which becomes part of init's environment.
static int first_port(void)
{
	const char *first = getenv("BOOTD_FIRST_PORT");

	return first != NULL && first[0] == '1' ? 1 : 0;
}

static int open_by_name(enum guest_port port, int flags)
{
	char path[32];

	for (int tries = 0; tries < MAX_DEVICES; tries++) {
		snprintf(path, sizeof(path), "/dev/vport%dp%d", device, (int)port + first_port());
		int fd = open(path, flags);

		if (fd >= 0 || errno != ENOENT)
			return fd;
		device = (device + 1) % MAX_DEVICES;
	}
	return -1;
}

// The driver makes a port's node before it can be opened: in between there is ENXIO, for as long as
// the driver's work queue needs for its next few instructions.
static int try_open(enum guest_port port, int flags)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int fd;

	for (int tries = 0;
	     (fd = open_by_name(port, flags)) < 0 && errno == ENXIO && tries < MAX_PAUSES; tries++)
		nanosleep(&pause, NULL);
	return fd;
}

static int open_node(enum guest_port port, int flags)
{
	char events[512];

	flags |= O_RDWR | O_CLOEXEC;
	int fd = try_open(port, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : -errno;

	// The driver adds ports from a work queue as the host announces them, maybe after init has
	// started.
	int watch = inotify_init1(IN_CLOEXEC);
	if (watch < 0)
		return -errno;
	if (inotify_add_watch(watch, "/dev", IN_CREATE) >= 0) {
		while ((fd = try_open(port, flags)) < 0 && errno == ENOENT) {
			if (read(watch, events, sizeof(events)) <= 0)
				break;
		}
	}
	int error = errno;
	close(watch);
	return fd >= 0 ? fd : -error;
}

int console_port_open(enum guest_port port, int flags)
{
	if (opened[port] == 0) {
		int fd = open_node(port, flags);

		if (fd < 0)
			return fd;
		opened[port] = fd + 1;
	}
	return opened[port] - 1;
}
