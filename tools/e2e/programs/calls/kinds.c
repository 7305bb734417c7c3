// SPDX-License-Identifier: MIT
#include "kinds.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "calls.h"

const char *const kinds[10] = { "none",     "file", "folder", "full",   "link",
	                        "dangling", "loop", "fifo",   "socket", "device" };

static int socket_make(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int end = socket(AF_UNIX, SOCK_STREAM, 0);
	int result;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	result = bind(end, (struct sockaddr *)&address, sizeof(address));
	close(end);
	return result;
}

void kind_make(const char *kind, const char *path)
{
	char other[64];
	int result = 0;

	snprintf(other, sizeof(other), "%s.to", path);
	if (strcmp(kind, "file") == 0)
		file_make(path, "content", 0644);
	else if (strcmp(kind, "folder") == 0)
		result = mkdir(path, 0755);
	else if (strcmp(kind, "dangling") == 0)
		result = symlink("nowhere", path);
	else if (strcmp(kind, "loop") == 0)
		result = symlink(path, path);
	else if (strcmp(kind, "fifo") == 0)
		result = mkfifo(path, 0644);
	else if (strcmp(kind, "socket") == 0)
		result = socket_make(path);
	else if (strcmp(kind, "device") == 0)
		result = mknod(path, S_IFCHR | 0644, makedev(1, 3));
	else if (strcmp(kind, "link") == 0) {
		file_make(other, "content", 0644);
		result = symlink(other, path);
	} else if (strcmp(kind, "full") == 0) {
		snprintf(other, sizeof(other), "%s/in", path);
		result = mkdir(path, 0755);
		file_make(other, "", 0644);
	}
	must(result == 0, path);
}

void kind_remove(const char *path)
{
	char other[64];

	clear(path);
	snprintf(other, sizeof(other), "%s.to", path);
	clear(other);
	clear("nowhere");
}
