// SPDX-License-Identifier: MIT
//
// Preloaded into QEMU: its user network listens for forwarded ports with a backlog of 1, so that the host drops most of
// many simultaneous connections, long before the machine could see them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>

#define BACKLOG 128

int listen(int fd, int backlog)
{
	int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "listen");

	return next(fd, backlog < BACKLOG ? BACKLOG : backlog);
}
