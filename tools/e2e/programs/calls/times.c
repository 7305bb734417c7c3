// SPDX-License-Identifier: MIT
//
// Which of its times each call moves: of a file, its folder, another folder and what is in the two.
#include <sys/mman.h>
#include <sys/xattr.h>
#include <time.h>

#include "calls.h"

static const char *const steps[] = {
	"nothing", "link", "rename", "rename away", "rename over", "rename to itself",
	"rename onto another name", "exchange", "rename a folder away", "unlink of another name",
	"creat beside", "creat of one that is there", "mkdir beside", "rmdir beside",
	"symlink beside", "mkfifo beside", "truncate", "truncate to the same", "open TRUNC",
	"open TRUNC of an empty one", "chmod", "chmod to the same", "chown", "chown to the same",
	"chown -1 -1", "times set", "times now", "times omitted", "setxattr", "removexattr",
	"removexattr of none", "readlink",
	// Of bytes, of an open file.
	"read", "write", "write nothing", "append", "write behind the end", "ftruncate to the same",
	"fallocate", "fallocate KEEP_SIZE", "punch", "map and read", "map and write", "fsync",
	"copy"
};

static int open_or_end(const char *path, int flags)
{
	int file = open(path, flags, 0644);

	must(file >= 0, path);
	return file;
}

static long mapped(int file, bool written)
{
	volatile char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	char byte = at[0];

	if (written)
		at[1] = byte;
	return msync((void *)at, 4096, MS_SYNC) == 0 ? munmap((void *)at, 4096) : -1;
}

static long bytes_step(unsigned step)
{
	int file = open_or_end("d/f", O_RDWR);
	int from = open_or_end("e/source", O_RDONLY);
	char buffer[16];
	long result = -1;

	switch (step) {
	case 32: result = read(file, buffer, 5); break;
	case 33: result = write(file, "w", 1); break;
	case 34: result = write(file, "", 0); break;
	case 35:
		must(fcntl(file, F_SETFL, O_APPEND) == 0, "O_APPEND");
		result = write(file, "a", 1);
		break;
	case 36: result = pwrite(file, "p", 1, 100); break;
	case 37: result = ftruncate(file, 7); break;
	case 38: result = fallocate(file, 0, 0, 100); break;
	case 39: result = fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 10000); break;
	case 40: result = fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 2); break;
	case 41: result = mapped(file, false); break;
	case 42: result = mapped(file, true); break;
	case 43: result = fsync(file); break;
	case 44: result = copy_file_range(from, NULL, file, NULL, 3, 0); break;
	}
	close(file);
	close(from);
	return result;
}

static long inode_step(unsigned step)
{
	static const struct timespec set[2] = { { 1000, 1 }, { 2000, 2 } };
	static const struct timespec omitted[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	char buffer[16];

	switch (step) {
	case 16: return truncate("d/f", 3);
	case 17: return truncate("d/f", 7);
	case 18: return open_once("d/f", O_WRONLY | O_TRUNC);
	case 19: return open_once("d/empty", O_WRONLY | O_TRUNC);
	case 20: return chmod("d/f", 0600);
	case 21: return chmod("d/f", 0644);
	case 22: return chown("d/f", 1, 1);
	case 23: return chown("d/f", 0, 0);
	case 24: return chown("d/f", (uid_t)-1, (gid_t)-1);
	case 25: return utimensat(AT_FDCWD, "d/f", set, 0);
	case 26: return utimensat(AT_FDCWD, "d/f", NULL, 0);
	case 27: return utimensat(AT_FDCWD, "d/f", omitted, 0);
	case 28: return setxattr("d/f", "user.a", "2", 1, 0);
	case 29: return removexattr("d/f", "user.a");
	case 30: return removexattr("d/f", "user.none");
	case 31: return readlink("d/l", buffer, sizeof(buffer));
	default: return bytes_step(step);
	}
}

static long step_run(unsigned step)
{
	switch (step) {
	case 0: return 0;
	case 1: return link("d/f", "e/g");
	case 2: return rename("d/f", "d/g");
	case 3: return rename("d/f", "e/g");
	case 4: return rename("d/empty", "d/f");
	case 5: return rename("d/f", "d/f");
	case 6: return rename("d/f", "d/second");
	case 7: return renameat2(AT_FDCWD, "d/f", AT_FDCWD, "e/source", 2);
	case 8: return rename("d/sub", "e/sub");
	case 9: return unlink("d/second");
	case 10: return open_once("d/new", O_CREAT | O_WRONLY);
	case 11: return open_once("d/f", O_CREAT | O_EXCL | O_WRONLY);
	case 12: return mkdir("d/new", 0755);
	case 13: return rmdir("d/sub");
	case 14: return symlink("to", "d/new");
	case 15: return mkfifo("d/new", 0644);
	default: return inode_step(step);
	}
}

// Longer than any clock of a file system needs for its next value, and than the two clocks of guest
// and host may be apart for a moment.
static void wait_for_the_clock(void)
{
	static const struct timespec some = { 0, 30000000 };

	nanosleep(&some, NULL);
}

static bool differ(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

static void one_step(unsigned step)
{
	static const char *const names[] = { "d/f", "d", "e", "d/sub", "d/empty", "e/source" };
	struct stat before[COUNT(names)], now;
	int watched[COUNT(names)];

	fresh("times");
	must(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0 && mkdir("e", 0755) == 0, "d");
	file_make("d/f", "content", 0644);
	file_make("d/empty", "", 0644);
	file_make("e/source", "source", 0644);
	must(symlink("f", "d/l") == 0 && link("d/f", "d/second") == 0, "d/l");
	(void)!setxattr("d/f", "user.a", "1", 1, 0);
	for (unsigned i = 0; i < COUNT(names); i++) {
		watched[i] = open_or_end(names[i], O_PATH);
		must(fstat(watched[i], &before[i]) == 0, names[i]);
	}
	wait_for_the_clock();
	part(step_run(step), "%s", steps[step]);
	for (unsigned i = 0; i < COUNT(names); i++) {
		must(fstat(watched[i], &now) == 0, names[i]);
		printf("%s%s%s, links %u; ", names[i],
		       differ(&now.st_mtim, &before[i].st_mtim) ? " M" : "",
		       differ(&now.st_ctim, &before[i].st_ctim) ? " C" : "",
		       (unsigned)now.st_nlink);
		close(watched[i]);
	}
	putchar('\n');
}

static void set(void)
{
	static const struct timespec values[] = {
		{ 0, 0 },           { 1, 999999999 },  { -1, 0 },         { -1, 5 },
		{ 2147483647, 1 },  { 2147483648, 1 }, { 4294967296, 7 }, { -2147483648, 0 },
		{ 15000000000, 9 }, { 0, 1000000000 }, { 0, -1 }
	};
	static const char *const names[] = { "f", "l", "d" };
	struct stat found;

	fresh("set");
	file_make("f", "f", 0644);
	must(symlink("f", "l") == 0 && mkdir("d", 0755) == 0, "l");
	for (unsigned i = 0; i < COUNT(names) * COUNT(values); i++) {
		struct timespec both[2] = { values[i % COUNT(values)],
			                    values[(i + 1) % COUNT(values)] };
		const char *name = names[i / COUNT(values)];

		part(utimensat(AT_FDCWD, name, both, AT_SYMLINK_NOFOLLOW), "%s to %lld.%09ld", name,
		     (long long)both[0].tv_sec, both[0].tv_nsec);
		must(lstat(name, &found) == 0, name);
		printf("%lld.%09ld, ", (long long)found.st_atim.tv_sec, found.st_atim.tv_nsec);
		printf("%lld.%09ld\n", (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
	}
}

void calls_of_times(void)
{
	for (unsigned step = 0; step < COUNT(steps); step++)
		one_step(step);
	set();
}
