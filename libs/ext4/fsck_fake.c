// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "libs/ext4/fsck_fake.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/ext4/fsck_preload_fake.h"

#define MOST_ARGUMENTS 12

static uint8_t *map(int fd, size_t size)
{
	void *bytes;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		abort();
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		abort();
	return bytes;
}

void fsck_fake_init(struct fsck_fake *file, size_t size)
{
	int fd;

	*file = (struct fsck_fake){ .size = size };
	snprintf(file->path, sizeof(file->path), "/dev/shm/starina-fsck.XXXXXX");
	fd = mkostemp(file->path, O_CLOEXEC);
	file->bytes = map(fd, size);
	close(fd);
	file->written_fd = memfd_create("written", MFD_CLOEXEC);
	file->written = map(file->written_fd, size / FSCK_BLOCK);
}

void fsck_fake_deinit(struct fsck_fake *file)
{
	for (struct fsck_server *s = file->servers; s < file->servers + FSCK_SERVERS; s++) {
		if (s->arguments == NULL)
			continue;
		close(s->orders);
		close(s->replies);
		(void)waitpid(s->pid, NULL, 0);
	}
	munmap(file->written, file->size / FSCK_BLOCK);
	close(file->written_fd);
	munmap(file->bytes, file->size);
	unlink(file->path);
}

// Starts a program with its words and the path behind them.
static pid_t start(const struct fsck_fake *file, const char *const *arguments,
                   const posix_spawn_file_actions_t *actions, const char *preload)
{
	char *const environment[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin",
		                      "MKE2FS_CONFIG=libs/ext4/mke2fs.conf",
		                      "LD_BIND_NOW=1",
		                      "SS_READLINE_PATH=none",
		                      (char *)(uintptr_t)preload,
		                      NULL };
	char *words[MOST_ARGUMENTS + 2];
	int count = 0;
	pid_t pid;

	while (arguments[count] != NULL && count < MOST_ARGUMENTS) {
		words[count] = (char *)(uintptr_t)arguments[count];
		count++;
	}
	words[count] = (char *)(uintptr_t)file->path;
	words[count + 1] = NULL;
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	if (posix_spawnp(&pid, words[0], actions, NULL, words, environment) != 0)
		abort();
	return pid;
}

static void silence(posix_spawn_file_actions_t *actions)
{
	posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
}

int fsck_fake_run(const struct fsck_fake *file, const char *const *arguments, int is_loud)
{
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	if (is_loud)
		posix_spawn_file_actions_adddup2(&actions, 2, 1);
	else
		silence(&actions);
	pid = start(file, arguments, &actions, NULL);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	posix_spawn_file_actions_destroy(&actions);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct fsck_server *find_server(struct fsck_fake *file, const char *const *arguments)
{
	for (struct fsck_server *s = file->servers; s < file->servers + FSCK_SERVERS; s++)
		if (s->arguments == NULL || s->arguments == arguments)
			return s;
	abort();
}

// The library lies beside the test's program.
static void start_server(struct fsck_fake *file, struct fsck_server *server)
{
	char program[PATH_MAX] = "", preload[PATH_MAX + 50];
	posix_spawn_file_actions_t actions;
	int orders[2], replies[2];

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) <= 0 ||
	    pipe2(orders, O_CLOEXEC) != 0 || pipe2(replies, O_CLOEXEC) != 0)
		abort();
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/fsck_preload_fake.so", dirname(program));
	posix_spawn_file_actions_init(&actions);
	silence(&actions);
	posix_spawn_file_actions_adddup2(&actions, orders[0], FSCK_ORDERS);
	posix_spawn_file_actions_adddup2(&actions, replies[1], FSCK_REPLIES);
	posix_spawn_file_actions_adddup2(&actions, file->written_fd, FSCK_WRITTEN);
	server->pid = start(file, server->arguments, &actions, preload);
	posix_spawn_file_actions_destroy(&actions);
	close(orders[0]);
	close(replies[1]);
	server->orders = orders[1];
	server->replies = replies[0];
}

int fsck_fake_serve(struct fsck_fake *file, const char *const *arguments)
{
	struct fsck_server *server = find_server(file, arguments);
	int status;

	if (server->arguments == NULL) {
		server->arguments = arguments;
		start_server(file, server);
	}
	if (write(server->orders, "", 1) != 1 ||
	    read(server->replies, &status, sizeof(status)) != sizeof(status))
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
