// SPDX-License-Identifier: MIT
#include "guest/bootd/guest_limits.h"

#include "guest/bootd/procfs.h"

// PID_MAX_LIMIT, which systemd sets; the kernel's own most for inotify; else as much as can be
// said.
static const struct procfs_setting settings[] = {
	{ "sys/kernel/threads-max", "4194304" },
	{ "sys/kernel/pid_max", "4194304" },
	{ "sys/fs/file-max", "9223372036854775807" },
	{ "sys/fs/inotify/max_user_watches", "1048576" },
	{ "sys/fs/epoll/max_user_watches", "9223372036854775807" },
	// Always: else a mapping larger than the machine is refused, whatever is used of it.
	{ "sys/vm/overcommit_memory", "1" },
};

void guest_limits_lift(void)
{
	procfs_write(settings, sizeof(settings) / sizeof(settings[0]));
}
