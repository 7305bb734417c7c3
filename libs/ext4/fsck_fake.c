// SPDX-License-Identifier: MIT
#include "libs/ext4/fsck_fake.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ARGUMENTS 12

void fsck_fake_init(struct fsck_fake *file, size_t size)
{
	int fd;

	snprintf(file->path, sizeof(file->path), "/dev/shm/starina-fsck.XXXXXX");
	fd = mkstemp(file->path);
	file->size = size;
	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		abort();
	file->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file->bytes == MAP_FAILED)
		abort();
	close(fd);
}

void fsck_fake_deinit(struct fsck_fake *file)
{
	munmap(file->bytes, file->size);
	unlink(file->path);
}

int fsck_fake_run(const struct fsck_fake *file, const char *const *arguments, int is_loud)
{
	static char *const environment[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin",
		                             "MKE2FS_CONFIG=libs/ext4/mke2fs.conf", NULL };
	posix_spawn_file_actions_t actions;
	char *words[MOST_ARGUMENTS + 2];
	int status = -1;
	int count = 0;
	pid_t pid;

	while (arguments[count] != NULL && count < MOST_ARGUMENTS) {
		words[count] = (char *)(uintptr_t)arguments[count];
		count++;
	}
	words[count] = (char *)(uintptr_t)file->path;
	words[count + 1] = NULL;
	posix_spawn_file_actions_init(&actions);
	if (is_loud) {
		posix_spawn_file_actions_adddup2(&actions, 2, 1);
	} else {
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	}
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	if (posix_spawnp(&pid, words[0], &actions, NULL, words, environment) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		abort();
	posix_spawn_file_actions_destroy(&actions);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
