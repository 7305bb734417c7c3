// SPDX-License-Identifier: MIT
//
// Counts in a file that others count in, too, each step under a lock of another file: lock_count
// FOLDER STEPS flock|fcntl. Prints the last number, to which it has added 100.
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static long count_by(int folder, long step)
{
	char text[32] = { 0 };
	int fd = openat(folder, "count", O_RDWR | O_CREAT, 0644);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	long number = atol(text);
	int size = snprintf(text, sizeof(text), "%ld\n", number + step);

	if (length < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)size, 0) != size ||
	    close(fd) < 0)
		fail("count");
	return number;
}

static void lock_with(bool ranges, int fd, bool locked)
{
	struct flock range = { .l_type = locked ? F_WRLCK : F_UNLCK,
		               .l_whence = SEEK_SET,
		               .l_start = 1000,
		               .l_len = 1 };

	if ((ranges ? fcntl(fd, F_SETLKW, &range) : flock(fd, locked ? LOCK_EX : LOCK_UN)) < 0)
		fail("lock");
}

int main(int argc, char **argv)
{
	int folder = argc == 4 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	int lock = folder < 0 ? -1 : openat(folder, "lock", O_RDWR | O_CREAT, 0644);
	bool ranges = argc == 4 && strcmp(argv[3], "fcntl") == 0;
	long number = 0;

	if (lock < 0)
		fail("lock_count FOLDER STEPS flock|fcntl");
	for (int left = atoi(argv[2]); left >= 0; left--) {
		lock_with(ranges, lock, true);
		number = count_by(folder, left > 0 ? 1 : 100);
		lock_with(ranges, lock, false);
	}
	printf("%ld\n", number);
	return 0;
}
