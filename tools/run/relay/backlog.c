// SPDX-License-Identifier: MIT
//
// listen() may be called again on a listening socket, by whoever has it: pidfd_getfd(2) gives us
// QEMU's.
#include "tools/run/relay/backlog.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BACKLOG 512

static bool listens_on(int fd, unsigned port)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int listening = 0;
	socklen_t option_len = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &option_len) == 0 &&
		listening && getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
		addr.sin_family == AF_INET && ntohs(addr.sin_port) == port;
}

void backlog_widen(pid_t pid, unsigned port)
{
	char path[64];
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	struct dirent *entry;
	DIR *dir;

	if (process < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		int fd = (int)syscall(SYS_pidfd_getfd, process, atoi(entry->d_name), 0);

		if (fd < 0)
			continue;
		if (listens_on(fd, port))
			listen(fd, BACKLOG);
		close(fd);
	}
	if (dir)
		closedir(dir);
	close(process);
}
