// SPDX-License-Identifier: MIT
//
// Why there is a limit of memory at all, when the container has the guest for itself: a program
// that hoards memory pushes its own text out of the page cache, and the fault that reads it back
// has squashfs allocate with GFP_NOIO. Such an allocation must not call the OOM killer: with no
// page left it tries for ever, and no process is ever killed. Within a control group the limit is
// reached while the guest still has pages, by an allocation that may call the killer.
#include "guest/bootd/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest/bootd/guest_memory.h"
#include "guest/bootd/procfs.h"

#define MEMINFO_MAX 4096
#define CGROUPS "/cgroup"
#define GROUP CGROUPS "/container"
// Of cgroup v1: v2 has devices decided by BPF programs, which this kernel does without.
#define DEVICES "/devices"

// What the kernel takes without charging it to the container: squashfs's and the devices' buffers,
// and the watermarks.
#define RESERVE_BYTES (4ull << 20)
#define RESERVE_SHARE 64u

// A process in the kernel stands still a moment later; one that waits there for a disk may take
// its time, and writes nothing meanwhile.
#define FREEZE_TURNS 100u
#define FREEZE_TURN_US 1000u

// Docker's: every node may be made, and these may be opened: null, zero, full, random, urandom,
// tty, console, ptmx, pts.
static const char *const device_rules[] = {
	"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",   "c 1:8 rwm",
	"c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
};

// Of the memory that was free when the group was made.
static uint64_t most_bytes;

static uint64_t limit_bytes(void)
{
	char meminfo[MEMINFO_MAX];
	struct sysinfo info;

	if (sysinfo(&info) != 0)
		return 0;
	uint64_t free = memory_free(procfs_read("meminfo", meminfo, sizeof(meminfo)),
	                            ((uint64_t)info.freeram + info.bufferram) * info.mem_unit);
	uint64_t reserve = RESERVE_BYTES + (uint64_t)info.totalram * info.mem_unit / RESERVE_SHARE;

	return free > 2 * reserve ? free - reserve : free / 2;
}

static int write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	size_t length = strlen(text);
	ssize_t written = write(fd, text, length);
	close(fd);
	return written == (ssize_t)length ? 0 : -1;
}

// The rules are those of the root group, bootd's own: to move a process into another costs two
// ticks of the guest's clock. So they allow what bootd opens later, too: the ports of the console,
// each of which only one may have open.
static int limit_devices(const struct config_strings *more, int port, struct failure *failure)
{
	char ports[24];
	struct stat status;

	if (fstat(port, &status) != 0)
		return failure_errno(failure, "find the console's ports");
	snprintf(ports, sizeof(ports), "c %u:* rw", major(status.st_rdev));
	if ((mkdir(DEVICES, 0700) != 0 && errno != EEXIST) ||
	    mount("cgroup", DEVICES, "cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV, "devices") != 0 ||
	    write_setting(DEVICES "/devices.deny", "a") != 0 ||
	    write_setting(DEVICES "/devices.allow", ports) != 0)
		return failure_errno(failure, "make the control group of devices");
	for (size_t i = 0; i < sizeof(device_rules) / sizeof(device_rules[0]); i++) {
		if (write_setting(DEVICES "/devices.allow", device_rules[i]) != 0)
			return failure_errno(failure, "allow the devices %s", device_rules[i]);
	}
	for (size_t i = 0; i < more->count; i++) {
		if (write_setting(DEVICES "/devices.allow", more->items[i]) != 0)
			return failure_errno(failure, "allow the device %s", more->items[i]);
	}
	if (umount2(DEVICES, MNT_DETACH) != 0)
		return failure_errno(failure, "leave the control group of devices");
	return 0;
}

static int set_limit(const char *path, const char *text, const char *what, struct failure *failure)
{
	if (write_setting(path, text) != 0)
		return failure_errno(failure, "limit the container's %s to %s", what, text);
	return 0;
}

static int limit_memory(uint64_t wanted, struct failure *failure)
{
	uint64_t bytes = wanted != 0 && wanted < most_bytes ? wanted : most_bytes;
	char text[48];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	return set_limit(GROUP "/memory.max", text, "memory (bytes)", failure);
}

// A new group has no limits. `set` are set, though they be none.
static int limit_others(const struct config_resources *resources, bool set, struct failure *failure)
{
	char text[48] = "max";
	int error = 0;

	if (resources->pids != 0)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)resources->pids);
	if (resources->pids != 0 || set)
		error = set_limit(GROUP "/pids.max", text, "processes", failure);
	if (error != 0 || (resources->cpu_quota == 0 && !set))
		return error;
	if (resources->cpu_quota != 0)
		snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)resources->cpu_quota,
		         (unsigned long long)resources->cpu_period);
	else
		snprintf(text, sizeof(text), "max");
	return set_limit(GROUP "/cpu.max", text, "processor time (microseconds)", failure);
}

int cgroup_limit(const struct config_resources *resources, struct failure *failure)
{
	int error = limit_memory(resources->memory, failure);

	return error != 0 ? error : limit_others(resources, true, failure);
}

static bool is_paused;
static unsigned num_holds;

static int freeze_if_wanted(void)
{
	bool frozen = is_paused || num_holds > 0;

	return write_setting(GROUP "/cgroup.freeze", frozen ? "1" : "0");
}

int cgroup_freeze(bool frozen, struct failure *failure)
{
	bool before = is_paused;

	is_paused = frozen;
	if (freeze_if_wanted() == 0)
		return 0;
	is_paused = before;
	return failure_errno(failure, "%s the container", frozen ? "pause" : "unpause");
}

// The kernel says so once the last of its processes stands still.
static bool has_frozen(void)
{
	char events[128];

	cgroup_read("cgroup.events", events, sizeof(events));
	return strstr(events, "frozen 1") != NULL;
}

int cgroup_hold(struct failure *failure)
{
	num_holds++;
	if (freeze_if_wanted() != 0) {
		failure_errno(failure, "pause the container");
		cgroup_release();
		return failure->error;
	}
	for (unsigned turn = 0; turn < FREEZE_TURNS && !has_frozen(); turn++)
		usleep(FREEZE_TURN_US);
	return 0;
}

void cgroup_release(void)
{
	num_holds--;
	(void)freeze_if_wanted();
}

void cgroup_read(const char *name, char *text, size_t size)
{
	int group = open(GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)procfs_read_at(group, name, text, size);
	if (group >= 0)
		close(group);
}

int cgroup_create(const struct config_resources *resources, int port, struct failure *failure)
{
	int error = limit_devices(&resources->devices, port, failure);

	if (error != 0)
		return error;
	if ((mkdir(CGROUPS, 0700) != 0 && errno != EEXIST) ||
	    (mount("cgroup2", CGROUPS, "cgroup2", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL) != 0 &&
	     errno != EBUSY))  // it is there, since a container was prepared
		return failure_errno(failure, "mount the control groups");
	if (write_setting(CGROUPS "/cgroup.subtree_control", "+memory +pids +cpu") != 0 ||
	    (mkdir(GROUP, 0755) != 0 && errno != EEXIST))
		return failure_errno(failure, "make the container's control group");
	most_bytes = limit_bytes();
	error = limit_memory(resources->memory, failure);
	if (error == 0)
		error = limit_others(resources, false, failure);
	return error != 0 ? error : cgroup_open(failure);
}

int cgroup_open(struct failure *failure)
{
	int group = open(GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return group >= 0 ? group : failure_errno(failure, "open the container's control group");
}

int cgroup_enter(struct failure *failure)
{
	if (unshare(CLONE_NEWCGROUP) != 0)
		return failure_errno(failure, "make a control group namespace");
	return 0;
}

void cgroup_remove(void)
{
	rmdir(GROUP);
}

void cgroup_allow_all(void)
{
	if (mount("cgroup", DEVICES, "cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV, "devices") != 0)
		return;
	(void)write_setting(DEVICES "/devices.allow", "a");
	umount2(DEVICES, MNT_DETACH);
}
