// SPDX-License-Identifier: MIT
#include "tools/common/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX "run."

static struct workdir *exit_workdir;

int directory_create(const char *path, struct error *err)
{
	char *copy = strdup(path);
	int result = 0;

	if (!copy)
		return error_set(err, "out of memory");
	for (char *slash = copy + 1;; slash++) {
		if (*slash != '/' && *slash != '\0')
			continue;
		char end = *slash;

		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST) {
			result =
				error_set_errno(err, errno, "cannot create the directory %s", copy);
			break;
		}
		*slash = end;
		if (end == '\0')
			break;
	}
	free(copy);
	return result;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void directory_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

// Removes directories in `parent` that nobody has locked.
static void remove_stale(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char *path;
		int fd;

		if (strncmp(entry->d_name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    asprintf(&path, "%s/%s", parent, entry->d_name) >= 0) {
			directory_remove(path);
			free(path);
		}
		close(fd);
	}
	closedir(dir);
}

int workdir_create(struct workdir *workdir, const char *parent, struct error *err)
{
	char *real = NULL;
	char *lock_path = NULL;
	int lock_fd = -1;
	int result = -1;

	*workdir = (struct workdir){ .fd = -1 };
	if (directory_create(parent, err) < 0)
		return -1;
	real = realpath(parent, NULL);
	if (!real || asprintf(&lock_path, "%s/lock", real) < 0) {
		error_set_errno(err, errno, "cannot use the directory %s", parent);
		goto out_free;
	}
	// Between mkdtemp() and flock() a new directory looks stale: one at a time.
	lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0) {
		error_set_errno(err, errno, "cannot lock %s", lock_path);
		goto out_free;
	}
	remove_stale(real);
	if (asprintf(&workdir->path, "%s/" NAME_PREFIX "XXXXXX", real) < 0) {
		workdir->path = NULL;
		error_set(err, "out of memory");
		goto out_free;
	}
	if (!mkdtemp(workdir->path)) {
		error_set_errno(err, errno, "cannot make a directory in %s", real);
		free(workdir->path);
		workdir->path = NULL;
		goto out_free;
	}
	workdir->fd = open(workdir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (workdir->fd < 0 || flock(workdir->fd, LOCK_EX | LOCK_NB) < 0) {
		error_set_errno(err, errno, "cannot lock %s", workdir->path);
		workdir_destroy(workdir);
		goto out_free;
	}
	result = 0;
out_free:
	if (lock_fd >= 0)
		close(lock_fd);
	free(lock_path);
	free(real);
	return result;
}

void workdir_destroy(struct workdir *workdir)
{
	if (exit_workdir == workdir)
		exit_workdir = NULL;
	if (!workdir->path)
		return;
	directory_remove(workdir->path);
	free(workdir->path);
	workdir->path = NULL;
	if (workdir->fd >= 0)
		close(workdir->fd);
	workdir->fd = -1;
}

static void remove_at_exit(void)
{
	if (exit_workdir)
		workdir_destroy(exit_workdir);
}

// Not async-signal-safe by the letter (it allocates in nftw), which is why a second signal, or a
// crash in here, still ends the program: what is left then is removed as stale by the next run.
static void remove_on_signal(int number)
{
	signal(number, SIG_DFL);
	if (exit_workdir && exit_workdir->path)
		directory_remove(exit_workdir->path);
	raise(number);
}

// Whether `number` ends a program that does not handle it, other than by a fault of the program's
// own.
static bool ends_from_outside(int number)
{
	static const int others[] = { SIGKILL, SIGSTOP, SIGCHLD,  SIGCONT, SIGTSTP, SIGTTIN,
		                      SIGTTOU, SIGURG,  SIGWINCH, SIGSEGV, SIGBUS,  SIGFPE,
		                      SIGILL,  SIGABRT, SIGTRAP,  SIGSYS };

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] == number)
			return false;
	return true;
}

void workdir_remove_at_exit(struct workdir *workdir)
{
	struct sigaction action = { .sa_handler = remove_on_signal };
	struct sigaction inherited;

	exit_workdir = workdir;
	atexit(remove_at_exit);
	// What is ignored, as by nohup, stays so.
	for (int number = 1; number <= SIGRTMAX; number++)
		if (ends_from_outside(number) && sigaction(number, NULL, &inherited) == 0 &&
		    inherited.sa_handler != SIG_IGN)
			sigaction(number, &action, NULL);
}
