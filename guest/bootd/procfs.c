// SPDX-License-Identifier: MIT
#include "guest/bootd/procfs.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int procfs_open(void)
{
	int context = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
	int root = -1;

	if (context < 0)
		return -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return root;
}

size_t procfs_read_at(int root, const char *path, char *text, size_t size)
{
	int fd = root >= 0 ? openat(root, path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = fd >= 0 ? read(fd, text, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

char *procfs_read(const char *path, char *text, size_t size)
{
	int root = procfs_open();

	(void)procfs_read_at(root, path, text, size);
	if (root >= 0)
		close(root);
	return text;
}

void procfs_write(const struct procfs_setting *settings, size_t count)
{
	int root = procfs_open();

	for (size_t i = 0; root >= 0 && i < count; i++) {
		int fd = openat(root, settings[i].path, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		(void)!write(fd, settings[i].text, strlen(settings[i].text));
		close(fd);
	}
	if (root >= 0)
		close(root);
}
