// SPDX-License-Identifier: MIT
#include "guest/bootd/shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest/bootd/config.h"

// Of the device (VM_FILES_TAG in libs/linux/vm/vm_files.h).
#define TAG "starina"
#define ROOT "/shares"
#define READ_AHEAD_KB "1024"
#define TURN_US 200
#define TURNS (1000000 / TURN_US)

// linux/mount.h of Linux 6.6.
#define CREATE_EXCL 8

static int root = -1;
static bool mounted;

// One that must be new waits until another, whose end has begun, is gone.
static bool create(int context, unsigned command)
{
	for (int i = 0; i < TURNS; i++) {
		if (fsconfig(context, command, NULL, NULL, 0) == 0)
			return true;
		if (errno != EBUSY)
			return false;
		usleep(TURN_US);
	}
	return false;
}

// A mount of a file system that `command` of fsconfig(2) makes, attached nowhere; -1: there is
// none.
static int make_mount(const char *type, const char *source, unsigned command)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), tree = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) == 0 &&
	    create(context, command))
		tree = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (context >= 0)
		close(context);
	return tree;
}

static void write_sysfs(const char *path, const char *text)
{
	int tree = make_mount("sysfs", "sysfs", FSCONFIG_CMD_CREATE);
	int fd = tree >= 0 ? openat(tree, path, O_WRONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
	if (tree >= 0)
		close(tree);
}

// Linux reads 128 KiB ahead over FUSE, which is less than one request of the device has. With more,
// several are on their way at a time.
static void read_ahead(void)
{
	struct statx status;
	char path[64];

	if (statx(AT_FDCWD, ROOT, AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0)
		return;
	snprintf(path, sizeof(path), "class/bdi/%u:%u/read_ahead_kb", status.stx_dev_major,
	         status.stx_dev_minor);
	write_sysfs(path, READ_AHEAD_KB);
}

bool shares_mount(void)
{
	// The connection of a mount from before would be the old one.
	int tree = make_mount(CONFIG_SHARE, TAG, CREATE_EXCL);

	if (tree < 0)
		return false;
	mounted = (mkdir(ROOT, 0700) == 0 || errno == EEXIST) &&
		move_mount(tree, "", AT_FDCWD, ROOT, MOVE_MOUNT_F_EMPTY_PATH) == 0;
	close(tree);
	if (mounted)
		read_ahead();
	return mounted;
}

bool shares_are_mounted(void)
{
	return mounted;
}

void shares_remember(void)
{
	root = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int shares_root(void)
{
	return root;
}

void shares_unmount(void)
{
	(void)umount2(ROOT, MNT_DETACH);
	mounted = false;
}
