// SPDX-License-Identifier: MIT
#include "guest/bootd/kernel_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest/bootd/procfs.h"

void kernel_log(int level, const char *what, int error)
{
	char line[128];
	int length =
		snprintf(line, sizeof(line), "<%d>bootd: %s: %s\n", level, what, strerror(error));
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
	close(fd);
}

void kernel_log_hide(void)
{
	static const struct procfs_setting restrict_reading = { "sys/kernel/dmesg_restrict", "1" };

	procfs_write(&restrict_reading, 1);
}
