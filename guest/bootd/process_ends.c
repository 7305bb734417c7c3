// SPDX-License-Identifier: MIT
#include "guest/bootd/process_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void fds_close(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int pipes_make(int ours[PROCESS_NUM_STREAMS], int theirs[PROCESS_NUM_STREAMS], bool terminal)
{
	for (uint32_t i = 0; i < PROCESS_NUM_STREAMS; i++)
		ours[i] = theirs[i] = -1;
	for (uint32_t i = 0; i < PROCESS_NUM_STREAMS && !terminal; i++) {
		bool in = i == CONTROL_STDIN;
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			return -1;
		ours[i] = ends[in ? 1 : 0];
		theirs[i] = ends[in ? 0 : 1];
	}
	return terminal ? 0 : fcntl(ours[CONTROL_STDIN], F_SETFL, O_NONBLOCK);
}

ssize_t report_receive(int socket, int flags, struct report *report, int *master, int *shares)
{
	struct iovec vector = { report, sizeof(*report) };
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);

	if (got != (ssize_t)sizeof(*report))
		return got;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_type != SCM_RIGHTS)
		return got;
	if (report->has_master)
		memcpy(master, CMSG_DATA(header), sizeof(int));
	if (report->has_shares)
		memcpy(shares, CMSG_DATA(header) + (report->has_master ? sizeof(int) : 0),
		       sizeof(int));
	return got;
}

uint32_t pidfd_reap(int *pidfd)
{
	siginfo_t info;
	uint32_t status = 0;

	if (waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED) == 0)
		status = info.si_code == CLD_EXITED ? (uint32_t)info.si_status
						    : 128u + (uint32_t)info.si_status;
	close(*pidfd);
	*pidfd = -1;
	return status;
}

int pidfd_signal(int pidfd, int signal)
{
	if (pidfd < 0)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}
