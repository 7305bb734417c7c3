// SPDX-License-Identifier: MIT
#include "tools/run/hostfs/binds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

// A path that is asked for: what of it is there, without links, and the names behind that.
struct place {
	char real[PATH_MAX];
	char rest[BINDS_PATH_MAX];  // "": all is there
};

__attribute__((format(printf, 2, 3))) static int refuse(struct bind_answer *answer,
                                                        const char *format, ...)
{
	va_list args;

	answer->number = 0;
	va_start(args, format);
	vsnprintf(answer->text, sizeof(answer->text), format, args);
	va_end(args);
	return -1;
}

// --- Where a path leads --------------------------------------------------------------------------

// Behind what is not there, "." and ".." mean nothing.
static bool has_dots(const char *path)
{
	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");

		if ((length == 1 || length == 2) && strncmp(path, "..", length) == 0)
			return true;
		path += length;
	}
	return false;
}

// Cuts the last name off `path`, and returns where it began.
static size_t parent_cut(char *path)
{
	size_t end = strlen(path);
	size_t start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	while (end > 0 && path[end - 1] != '/')
		end--;
	start = end;
	path[end > 0 ? end : 1] = '\0';
	return start;
}

// 0, or errno.
static int place_find(struct place *place, const char *path)
{
	char head[BINDS_PATH_MAX];
	struct stat st;

	snprintf(head, sizeof(head), "%s", path);
	place->rest[0] = '\0';
	while (!realpath(head, place->real)) {
		// A link to nowhere is no folder that could be made.
		if (errno != ENOENT || strcmp(head, "/") == 0 || lstat(head, &st) == 0)
			return errno == ENOENT ? ELOOP : errno;
		snprintf(place->rest, sizeof(place->rest), "%s", path + parent_cut(head));
	}
	return has_dots(place->rest) ? EINVAL : 0;
}

// The part of a path without links that is below `root`, which is one, too; NULL: it is not.
static const char *path_below(const char *path, const char *root)
{
	size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	path += length;
	path += strspn(path, "/");
	return *path ? path : ".";
}

// --- Opening -------------------------------------------------------------------------------------

// Links that were put there since it was resolved are not followed.
static int open_below(int directory, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(O_PATH | O_CLOEXEC | flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	int fd;

	do {
		fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
	} while (fds_are_short(fd));
	return fd;
}

// Makes the folders that are missing. Consumes `fd`; returns the last one's, or -1 with errno.
static int folders_make(int fd, char *names)
{
	char *state = NULL;

	for (char *name = strtok_r(names, "/", &state); name && fd >= 0;
	     name = strtok_r(NULL, "/", &state)) {
		int next = -1;

		if (mkdirat(fd, name, 0755) == 0 || errno == EEXIST)
			next = open_below(fd, name, O_DIRECTORY);
		close(fd);
		fd = next;
	}
	return fd;
}

static int place_open(const struct binds *binds, struct place *place, enum bind_kind kind,
                      const char *path, struct bind_answer *answer)
{
	const char *below = path_below(place->real, binds->path);
	int fd;

	if (!below)
		return refuse(answer,
		              "%.60s is outside of %.60s, the folder that run.sh shares (--share)",
		              path, binds->path);
	if (place->rest[0] && kind != BIND_MAKE)
		return refuse(answer, "bind source path does not exist: %.200s", path);
	fd = open_below(binds->root, below, place->rest[0] ? O_DIRECTORY : 0);
	if (fd >= 0)
		fd = folders_make(fd, place->rest);
	if (fd < 0)
		return refuse(answer, "error while opening mount source path '%.150s': %s", path,
		              strerror(errno));
	return fd;
}

// --- Shares --------------------------------------------------------------------------------------

// The number of what `fd` (consumed) is open on.
static void share_add(struct binds *binds, int fd, const char *path, struct bind_answer *answer)
{
	struct stat st, other;

	if (fstat(fd, &st) < 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))) {
		refuse(answer, "%.150s is neither a folder nor a file", path);
		close(fd);
		return;
	}
	for (unsigned i = 0; i < binds->count; i++) {
		if (fstat(binds->all[i].fd, &other) == 0 && other.st_dev == st.st_dev &&
		    other.st_ino == st.st_ino) {
			answer->number = i + 1;
			close(fd);
			return;
		}
	}
	if (binds->count == BINDS_MAX) {
		refuse(answer, "more than %u folders of the host are in use", BINDS_MAX);
		close(fd);
		return;
	}
	binds->all[binds->count++] = (struct hostfs_share){ .fd = fd };
	answer->number = binds->count;
}

void binds_open(struct binds *binds, enum bind_kind kind, const char *path,
                struct bind_answer *answer)
{
	struct place place;
	int error;
	int fd;

	*answer = (struct bind_answer){ 0 };
	if (path[0] != '/') {
		refuse(answer, "invalid mount path: '%.150s' mount path must be absolute", path);
		return;
	}
	error = place_find(&place, path);
	if (error != 0) {
		refuse(answer, "error while opening mount source path '%.150s': %s", path,
		       strerror(error));
		return;
	}
	fd = place_open(binds, &place, kind, path, answer);
	if (fd >= 0)
		share_add(binds, fd, path, answer);
}

const struct hostfs_share *binds_find(const struct binds *binds, const char *name, size_t length)
{
	unsigned number = 0;

	if (length < 2 || length > 5 || name[0] != '+')
		return NULL;
	for (size_t i = 1; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return NULL;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	return number >= 1 && number <= binds->count ? &binds->all[number - 1] : NULL;
}

bool binds_serve(struct binds *binds, int socket)
{
	char request[1 + BINDS_PATH_MAX];
	struct bind_answer answer;
	ssize_t length = recv(socket, request, sizeof(request), MSG_DONTWAIT);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	if (length == 0)
		return false;
	request[length < (ssize_t)sizeof(request) ? length : length - 1] = '\0';
	binds_open(binds, request[0] == BIND_MAKE ? BIND_MAKE : BIND_KEEP, request + 1, &answer);
	return send(socket, &answer, sizeof(answer), MSG_NOSIGNAL) == (ssize_t)sizeof(answer);
}

void binds_close(struct binds *binds)
{
	while (binds->count > 0)
		close(binds->all[--binds->count].fd);
}
