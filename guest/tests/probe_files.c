// SPDX-License-Identifier: MIT
#include "probe_files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK 4096

static const char *outcome(ssize_t result)
{
	return result >= 0 ? "ok" : strerror(errno);
}

int probe_attributes(const char *path)
{
	char names[4096];
	char value[256];
	ssize_t size = listxattr(path, names, sizeof(names));

	for (char *name = names; name < names + size; name += strlen(name) + 1) {
		ssize_t length = getxattr(path, name, value, sizeof(value));

		printf("%s=", name);
		for (ssize_t i = 0; i < length; i++)
			printf("%02x", (unsigned char)value[i]);
		printf("\n");
	}
	return size >= 0 ? 0 : 1;
}

int probe_set_attribute(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CREAT, 0644);

	printf("%s: %s\n", name, outcome(fsetxattr(fd, name, "set", 3, 0)));
	close(fd);
	return 0;
}

static void try_direct(const char *path, int flags, const char *how)
{
	void *block = aligned_alloc(BLOCK, BLOCK);
	int fd = open(path, flags | O_DIRECT, 0644);
	ssize_t done = fd;

	if (fd >= 0)
		done = (flags & O_ACCMODE) == O_RDONLY
			? read(fd, block, BLOCK)
			: write(fd, memset(block, 'x', BLOCK), BLOCK);
	printf("%s %s: %s\n", how, path, outcome(done));
	if (fd >= 0)
		close(fd);
	free(block);
}

int probe_direct(const char *path)
{
	try_direct(path, O_RDONLY, "read");
	try_direct(path, O_WRONLY | O_CREAT, "write");
	try_direct(path, O_RDONLY, "read");
	return 0;
}

int probe_become(uid_t user, char **command)
{
	if (setgid(user) != 0 || setuid(user) != 0 || execv(command[0], command) != 0)
		perror(command[0]);
	return 1;
}

int probe_crash(const char *directory)
{
	struct stat core;
	int status = 0;

	if (chdir(directory) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		raise(SIGSEGV);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("signal %d, %s\n", WTERMSIG(status), WCOREDUMP(status) ? "dumped" : "no core");
	printf("core: %s\n", outcome(stat("core", &core)));
	return 0;
}
