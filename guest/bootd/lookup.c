// SPDX-License-Identifier: MIT
#include "guest/bootd/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// 0, or why the file cannot be executed. -ENOENT and the like mean that it is not there at all.
static int check_program(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	// access() says yes to root when any of the three x bits is set, as execve does.
	if (!S_ISREG(status.st_mode) || access(path, X_OK) != 0)
		return -EACCES;
	return 0;
}

static int lookup_direct(const char *name, char *out, size_t size, struct failure *failure)
{
	int error = check_program(name);

	switch (error) {
	case 0:
		if (strlen(name) >= size)
			return failure_set(failure, FAILURE_NOT_FOUND, -ENAMETOOLONG,
			                   "exec: \"%.200s\": file name too long", name);
		strcpy(out, name);
		return 0;
	case -EISDIR:
		return failure_set(failure, FAILURE_NOT_EXECUTABLE, error,
		                   "exec: \"%.200s\": is a directory", name);
	case -EACCES:
		return failure_set(failure, FAILURE_NOT_EXECUTABLE, error,
		                   "exec: \"%.200s\": permission denied", name);
	default:
		return failure_set(failure, FAILURE_NOT_FOUND, error,
		                   "exec: \"%.200s\": stat %.200s: %s", name, name,
		                   failure_words(-error));
	}
}

int lookup_program(const char *name, const char *path, char *out, size_t size,
                   struct failure *failure)
{
	if (strchr(name, '/') != NULL)
		return lookup_direct(name, out, size, failure);

	for (const char *at = path != NULL ? path : DEFAULT_PATH; *name != '\0';) {
		size_t length = strcspn(at, ":");
		// An empty entry means the working directory.
		int written = length > 0 ? snprintf(out, size, "%.*s/%s", (int)length, at, name)
					 : snprintf(out, size, "./%s", name);

		if (written > 0 && (size_t)written < size && check_program(out) == 0)
			return 0;
		at += length;
		if (*at == '\0')
			break;
		at++;
	}
	return failure_set(failure, FAILURE_NOT_FOUND, -ENOENT,
	                   "exec: \"%.200s\": executable file not found in $PATH", name);
}
