// SPDX-License-Identifier: MIT
#include "tools/run/engine/docker_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "docker.sock"
#define LOCK "docker.lock"
#define BACKLOG 1024

// --- The folder ----------------------------------------------------------------------------------

// Of the folder that it stands for, so that each has one of its own.
static uint64_t path_hash(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 0x100000001b3;
	return hash;
}

// The folder to use: `folder`, or a short one in its place, which is made.
static int folder_choose(const char *folder, char out[PATH_MAX], struct error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/" NAME);
	char *real = realpath(folder, NULL);
	uint64_t hash;

	if (!real)
		return error_set_errno(err, errno, "cannot use the folder %s", folder);
	hash = path_hash(real);
	snprintf(out, PATH_MAX, "%s", real);
	free(real);
	if (strlen(out) <= most)
		return 0;
	if (runtime && runtime[0] == '/' && access(runtime, W_OK) == 0)
		snprintf(out, PATH_MAX, "%s/starina-%016llx", runtime, (unsigned long long)hash);
	if (strlen(out) > most)
		snprintf(out, PATH_MAX, "/tmp/starina-%u-%016llx", (unsigned)getuid(),
		         (unsigned long long)hash);
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "cannot make the folder %s", out);
	return 0;
}

// Opens it, and closes it to others. In /tmp somebody else may have made it, or a link.
static int folder_open(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat stat;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open the folder %s", path);
	if (fstat(fd, &stat) < 0 || stat.st_uid != geteuid()) {
		close(fd);
		return error_set(
			err,
			"the folder %s belongs to another user, so docker's socket cannot be in it; set BUILD to a folder of yours",
			path);
	}
	if (fchmod(fd, 0700) < 0) {
		error_set_errno(err, errno, "cannot close the folder %s to others", path);
		close(fd);
		return -1;
	}
	return fd;
}

// --- The socket ----------------------------------------------------------------------------------

static int lock_take(int directory, const char *path, struct error *err)
{
	int fd = openat(directory, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s/" LOCK, path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		error_set(err,
		          "a Starina that runs has the socket %s/" NAME
		          "; use that one, end it, or set BUILD to another folder",
		          path);
	else
		error_set_errno(err, errno, "cannot lock %s/" LOCK, path);
	close(fd);
	return -1;
}

static int socket_listen(struct docker_socket *docker, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask = umask(0177);

	memcpy(address.sun_path, docker->path, sizeof(address.sun_path));
	docker->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	// The lock is ours: whoever made what is there is gone.
	unlink(docker->path);
	if (docker->fd < 0 || bind(docker->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(docker->fd, BACKLOG) < 0)
		error_set_errno(err, errno, "cannot make the socket %s", docker->path);
	else
		err = NULL;
	umask(mask);
	return err ? -1 : 0;
}

int docker_socket_open(struct docker_socket *docker, const char *folder, struct error *err)
{
	char path[PATH_MAX];
	int directory;

	*docker = (struct docker_socket){ .fd = -1, .lock = -1 };
	if (folder_choose(folder, path, err) < 0)
		return -1;
	directory = folder_open(path, err);
	if (directory < 0)
		return -1;
	docker->lock = lock_take(directory, path, err);
	close(directory);
	if (docker->lock < 0)
		return -1;
	snprintf(docker->path, sizeof(docker->path), "%.*s/" NAME,
	         (int)(sizeof(docker->path) - sizeof("/" NAME)), path);
	return socket_listen(docker, err);
}

void docker_socket_close(struct docker_socket *docker)
{
	if (docker->lock >= 0)
		unlink(docker->path);
	if (docker->fd >= 0)
		close(docker->fd);
	if (docker->lock >= 0)
		close(docker->lock);
	docker->fd = docker->lock = -1;
}

// --- What the user is told -----------------------------------------------------------------------

static bool is_plain(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._-+=,@%:";

	return path[strspn(path, plain)] == '\0';
}

void docker_socket_announce(const struct docker_socket *docker)
{
	if (is_plain(docker->path)) {
		printf("export DOCKER_HOST=unix://%s\n", docker->path);
	} else {
		printf("export DOCKER_HOST='unix://");
		for (const char *at = docker->path; *at; at++)
			if (*at == '\'')
				printf("'\\''");
			else
				putchar(*at);
		printf("'\n");
	}
	fflush(stdout);
}
