// SPDX-License-Identifier: MIT
#include "guest/bootd/shares.h"

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

static int root = -1;

static void write_sysfs(const char *path, const char *text)
{
	int context = fsopen("sysfs", FSOPEN_CLOEXEC), tree = -1, fd = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		tree = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (tree >= 0)
		fd = openat(tree, path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
	if (tree >= 0)
		close(tree);
	if (context >= 0)
		close(context);
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

void shares_mount(void)
{
	if (mkdir(ROOT, 0700) == 0 && mount(TAG, ROOT, CONFIG_SHARE, 0, NULL) == 0)
		read_ahead();
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
}
