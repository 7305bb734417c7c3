// SPDX-License-Identifier: MIT
#include "tools/common/address_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_SIZE (PATH_MAX + 2)  // with its line feed and the end

struct folder {
	int fd;
	int lock;  // on its file "lock", as in workdir.c: closing it lets the next one in
};

static void folder_close(const struct folder *folder)
{
	close(folder->lock);
	close(folder->fd);
}

// Opens and locks the folder of `path`. -1 with errno.
static int folder_open(struct folder *folder, const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[PATH_MAX];

	if (slash && (size_t)(slash - path) + 1 >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - path) + 1 : 1,
	         slash ? path : ".");
	folder->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return -1;
	folder->lock = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (folder->lock >= 0 && flock(folder->lock, LOCK_EX) == 0)
		return 0;
	if (folder->lock >= 0)
		close(folder->lock);
	close(folder->fd);
	return -1;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

// The folder is locked, so the name of the new file is nobody else's.
static int replace(int folder, const char *name, const char *text)
{
	char fresh[NAME_MAX + 1];
	size_t length = strlen(text);
	int fd, saved;

	if (snprintf(fresh, sizeof(fresh), "%s.new", name) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlinkat(folder, fresh, 0);
	fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	errno = ENOSPC;
	if (write(fd, text, length) == (ssize_t)length &&
	    renameat(folder, fresh, folder, name) == 0) {
		close(fd);
		return 0;
	}
	saved = errno;
	unlinkat(folder, fresh, 0);
	close(fd);
	errno = saved;
	return -1;
}

int address_file_write(const char *path, const char *line, struct error *err)
{
	char text[LINE_MAX_SIZE];
	struct folder folder;
	int result;

	if (snprintf(text, sizeof(text), "%s\n", line) >= (int)sizeof(text))
		return error_set(err, "the address %.80s... is too long", line);
	if (folder_open(&folder, path) < 0)
		return error_set_errno(err, errno, "cannot write %s", path);
	result = replace(folder.fd, name_of(path), text);
	if (result < 0)
		error_set_errno(err, errno, "cannot write %s", path);
	folder_close(&folder);
	return result;
}

// Whether the file has this line and no more.
static bool has_line(int folder, const char *name, const char *line)
{
	size_t length = strlen(line);
	char text[LINE_MAX_SIZE];
	ssize_t size;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text));
	close(fd);
	return size == (ssize_t)length + 1 && memcmp(text, line, length) == 0 &&
		text[length] == '\n';
}

void address_file_remove(const char *path, const char *line)
{
	struct folder folder;

	if (folder_open(&folder, path) < 0)
		return;
	if (has_line(folder.fd, name_of(path), line))
		unlinkat(folder.fd, name_of(path), 0);
	folder_close(&folder);
}
