// SPDX-License-Identifier: MIT
//
// Locks of open files, and leases.
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "calls.h"

static int lock(int file, int command, short type, off_t start, off_t length)
{
	struct flock range = { .l_type = type,
		               .l_whence = SEEK_SET,
		               .l_start = start,
		               .l_len = length };
	int result = fcntl(file, command, &range);

	if (result == 0 && command == F_GETLK)
		printf("type %d at %lld, %lld bytes: ", range.l_type, (long long)range.l_start,
		       (long long)range.l_len);
	return result;
}

static void another(void)
{
	pid_t child;
	int file;

	fflush(stdout);
	child = fork();
	if (child > 0) {
		must(waitpid(child, NULL, 0) == child, "waitpid");
		return;
	}
	file = open("f", O_RDWR);
	printf("another: ");
	part(lock(file, F_GETLK, F_WRLCK, 0, 0), "GETLK");
	part(lock(file, F_SETLK, F_WRLCK, 0, 10), "write 0 to 10");
	part(lock(file, F_SETLK, F_RDLCK, 0, 10), "read 0 to 10");
	part(lock(file, F_SETLK, F_WRLCK, 100, 1), "write 100");
	part(flock(file, LOCK_SH | LOCK_NB), "flock SH");
	call(flock(file, LOCK_EX | LOCK_NB), "flock EX");
	fflush(stdout);
	_exit(0);
}

void calls_of_locks(void)
{
	int file, second, readable;

	fresh("locks");
	file_make("f", "0123456789", 0644);
	file = open("f", O_RDWR);
	second = open("f", O_RDWR);
	readable = open("f", O_RDONLY);
	call(lock(readable, F_SETLK, F_WRLCK, 0, 0), "write, of a read-only one");
	call(lock(file, F_SETLK, F_RDLCK, -1, 1), "before the beginning");
	call(lock(file, F_SETLK, F_RDLCK, 10, -5), "backwards");
	call(lock(file, F_SETLK, F_RDLCK, INT64_MAX, 2), "over the end of all");
	another();
	call(lock(file, F_SETLK, F_WRLCK, 0, 10), "write 0 to 10");
	another();
	call(lock(second, F_OFD_SETLK, F_WRLCK, 5, 1), "of the other open file");
	close(dup(file));
	another();
	call(lock(file, F_SETLK, F_RDLCK, 0, 20), "read 0 to 20");
	call(lock(file, F_SETLK, F_UNLCK, 5, 5), "none 5 to 10");
	another();
	call(lock(file, F_SETLK, F_UNLCK, 0, 0), "none");
	call(lock(file, F_OFD_SETLK, F_WRLCK, 0, 1), "OFD");
	call(lock(second, F_OFD_SETLK, F_WRLCK, 0, 1), "OFD of the other");
	call(flock(file, LOCK_EX | LOCK_NB), "flock EX");
	call(flock(second, LOCK_SH | LOCK_NB), "flock SH of the other");
	another();
	call(flock(file, LOCK_UN), "flock none");
	call(flock(open(".", O_RDONLY), LOCK_EX | LOCK_NB), "flock of a folder");
	call(flock(open("f", O_PATH), LOCK_EX), "flock of O_PATH");
	close(file);
	close(second);
	close(readable);
	readable = open("f", O_RDONLY);
	call(fcntl(readable, F_SETLEASE, F_RDLCK), "lease, read");
	call(fcntl(readable, F_GETLEASE), "lease");
	call(fcntl(readable, F_SETLEASE, F_UNLCK), "lease, none");
	close(readable);
}
