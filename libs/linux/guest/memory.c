// SPDX-License-Identifier: MIT
//
// Why there is a limit at all, when the container has the guest for itself: a program that hoards memory
// pushes its own text out of the page cache, and the fault that reads it back has squashfs allocate with
// GFP_NOIO. Such an allocation must not call the OOM killer: with no page left it tries for ever, and no
// process is ever killed. Within a control group the limit is reached while the guest still has pages, by
// an allocation that may call the killer.
#include "libs/linux/guest/memory.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define CGROUPS "/cgroup"
#define GROUP CGROUPS "/container"

// What the kernel takes without charging it to the container: squashfs's and the devices' buffers, and
// the watermarks.
#define RESERVE_BYTES (4ull << 20)
#define RESERVE_SHARE 64u

static uint64_t limit_bytes(void)
{
	struct sysinfo info;

	if (sysinfo(&info) != 0)
		return 0;
	uint64_t free = ((uint64_t)info.freeram + info.bufferram) * info.mem_unit;
	uint64_t reserve = RESERVE_BYTES + (uint64_t)info.totalram * info.mem_unit / RESERVE_SHARE;

	return free > 2 * reserve ? free - reserve : free / 2;
}

static int write_setting(const char *path, const char *text, int length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t written = write(fd, text, (size_t)length);
	close(fd);
	return written == length ? 0 : -1;
}

int memory_limit_create(struct failure *failure)
{
	static const char controller[] = "+memory";
	char limit[24];
	int length = snprintf(limit, sizeof(limit), "%llu", (unsigned long long)limit_bytes());

	if (mkdir(CGROUPS, 0700) != 0 ||
	    mount("cgroup2", CGROUPS, "cgroup2", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL) != 0)
		return failure_errno(failure, "mount the control groups");
	if (write_setting(CGROUPS "/cgroup.subtree_control", controller, sizeof(controller) - 1) != 0 ||
	    mkdir(GROUP, 0755) != 0 ||
	    write_setting(GROUP "/memory.max", limit, length) != 0)
		return failure_errno(failure, "limit the container's memory to %s bytes", limit);
	int group = open(GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return group >= 0 ? group : failure_errno(failure, "open the container's control group");
}
