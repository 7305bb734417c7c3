// SPDX-License-Identifier: MIT
#include "guest/bootd/image_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_LINKS 40  // as Linux follows

static int fail(int error)
{
	errno = error;
	return -1;
}

// Takes the next name off *rest. Returns false at the end.
static bool next_name(const char **rest, const char **name, size_t *length)
{
	*name = *rest + strspn(*rest, "/");
	*length = strcspn(*name, "/");
	*rest = *name + *length;
	return *length > 0;
}

static bool is_name(const char *name, size_t length, const char *other)
{
	return length == strlen(other) && memcmp(name, other, length) == 0;
}

static void remove_last(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash != NULL ? slash : path) = '\0';
}

// Appends a name to a path, where "" is the root; ".." takes one away.
static int append(char path[PATH_MAX], const char *name, size_t length)
{
	size_t used = strlen(path);

	if (is_name(name, length, "."))
		return 0;
	if (is_name(name, length, "..")) {
		remove_last(path);
		return 0;
	}
	if (length > NAME_MAX || used + 1 + length >= PATH_MAX)
		return fail(ENAMETOOLONG);
	path[used] = '/';
	memcpy(path + used + 1, name, length);
	path[used + 1 + length] = '\0';
	return 0;
}

static int clean(const char *path, char out[PATH_MAX])
{
	const char *name;
	size_t length;

	for (out[0] = '\0'; next_name(&path, &name, &length);) {
		if (append(out, name, length) != 0)
			return -1;
	}
	return 0;
}

// Puts a link's target in front of what is still to come.
static int put_target(char pending[PATH_MAX], const char *rest, const char *target, size_t length)
{
	size_t rest_length = strlen(rest);

	if (length + rest_length >= PATH_MAX)
		return fail(ENAMETOOLONG);
	memmove(pending + length, rest, rest_length + 1);
	memcpy(pending, target, length);
	return 0;
}

// A link of /proc to what a process has open says a name, and leads elsewhere.
static bool is_magic(const char *link)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
	struct stat status;
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, link, &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == ELOOP && (stat(link, &status) == 0 || errno != ELOOP);
}

static int find(const char *path, bool makes, char real[PATH_MAX])
{
	char pending[PATH_MAX];
	char target[PATH_MAX];
	const char *rest = pending;
	const char *name;
	size_t length;
	int links = 0;

	if (clean(path, pending) != 0)
		return -1;
	for (real[0] = '\0'; next_name(&rest, &name, &length);) {
		if (append(real, name, length) != 0)
			return -1;
		if (real[0] == '\0')
			continue;
		ssize_t got = readlink(real, target, sizeof(target));

		if (got > 0) {
			if (++links > MAX_LINKS)
				return fail(ELOOP);
			if (is_magic(real))
				return fail(EACCES);
			remove_last(real);
			if (target[0] == '/')
				real[0] = '\0';
			if (put_target(pending, rest, target, (size_t)got) != 0)
				return -1;
			rest = pending;
		} else if (errno == ENOENT) {
			if (makes && mkdir(real, 0755) != 0)
				return -1;
		} else if (errno != EINVAL) {  // EINVAL: there is something, and it is not a link
			return -1;
		}
	}
	if (real[0] == '\0')
		strcpy(real, "/");
	return 0;
}

int image_path_make(const char *path, char real[PATH_MAX])
{
	return find(path, true, real);
}

int image_path_find(const char *path, char real[PATH_MAX])
{
	return find(path, false, real);
}
