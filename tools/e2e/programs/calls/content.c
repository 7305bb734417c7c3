// SPDX-License-Identifier: MIT
//
// Bytes of a file: sizes and their limits, holes, flags of reads and writes, and copies.
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "calls.h"

#define WRITTEN 40960u

static char block[65536];

static long long size_of(int file)
{
	struct stat found;

	return fstat(file, &found) == 0 ? (long long)found.st_size : -1;
}

static void sizes(void)
{
	static const long long lengths[] = { -1,      0,         1,         4095,      4096,
		                             1 << 20, 1ll << 31, 1ll << 32, 1ll << 44, LLONG_MAX };
	static const struct rlimit limit = { 1000, RLIM_INFINITY };
	static const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	int file, folder = open("/", O_RDONLY);

	fresh("sizes");
	file = open("f", O_RDWR | O_CREAT, 0644);
	for (unsigned i = 0; i < COUNT(lengths); i++) {
		printf("%lld: ", lengths[i]);
		part(ftruncate(file, lengths[i]), "ftruncate");
		part(size_of(file), "size");
		part(pwrite(file, "b", 1, lengths[i]), "pwrite");
		part(size_of(file), "size");
		call(pread(file, block, 1, lengths[i]), "pread");
		must(ftruncate(file, 0) == 0, "cut");
	}
	signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "limit");
	call(write(file, block, 600), "write below the limit");
	call(write(file, block, 600), "write over it");
	call(write(file, block, 600), "write at it");
	call(ftruncate(file, 2000), "ftruncate");
	call(fallocate(file, 0, 500, 1000), "fallocate");
	must(setrlimit(RLIMIT_FSIZE, &none) == 0, "limit");
	call(size_of(file), "size");
	close(file);
	file = open("f", O_RDONLY);
	call(ftruncate(file, 1), "ftruncate, read-only");
	call(write(file, "a", 1), "write, read-only");
	call(read(folder, block, 1), "read of a folder");
	call(fdatasync(file), "fdatasync, read-only");
	close(file);
	close(folder);
	folder = open(".", O_RDONLY);
	call(fsync(folder), "fsync of a folder");
	close(folder);
}

static void data_parts(int file)
{
	off_t at = 0, data;

	while ((data = lseek(file, at, SEEK_DATA)) >= 0) {
		at = lseek(file, data, SEEK_HOLE);
		printf("%lld-%lld ", (long long)data, (long long)at);
	}
	call(-1, "end");
}

// What bytes are there is compared, and for punched ones where data are.
static void ranges(void)
{
	static const int modes[] = { 0, 1, 2, 3, 16, 17 };
	static const long long parts[][2] = { { 0, 0 },         { -1, 5 },       { 5, -1 },
		                              { 0, 4096 },      { 4096, 8192 },  { 100, 200 },
		                              { 30000, 40000 }, { 65536, 4096 }, { LLONG_MAX, 1 } };
	static char got[100000];

	fresh("ranges");
	memset(block, 'd', sizeof(block));
	for (unsigned i = 0; i < COUNT(modes) * COUNT(parts); i++) {
		int file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644),
		    mode = modes[i / COUNT(parts)];
		const long long *range = parts[i % COUNT(parts)];
		unsigned long sum = 0;
		ssize_t count;

		must(write(file, block, WRITTEN) == WRITTEN && fsync(file) == 0, "write");
		part(fallocate(file, mode, range[0], range[1]), "fallocate %d, %lld, %lld", mode,
		     range[0], range[1]);
		count = pread(file, got, sizeof(got), 0);
		for (ssize_t k = 0; k < count; k++)
			sum = sum * 31 + (unsigned char)got[k];
		printf("sum %lu; ", sum);
		if (mode == 3)
			data_parts(file);
		else
			call(count, "read");
		close(file);
	}
}

static void holes(void)
{
	int file;

	fresh("holes");
	file = open("f", O_RDWR | O_CREAT, 0644);
	data_parts(file);
	must(ftruncate(file, 1 << 20) == 0, "ftruncate");
	data_parts(file);
	must(pwrite(file, "x", 1, 500000) == 1 && fsync(file) == 0, "pwrite");
	data_parts(file);
	call(lseek(file, 1 << 20, SEEK_DATA), "data behind the end");
	call(lseek(file, -1, SEEK_HOLE), "hole before the beginning");
	call(lseek(file, -5, SEEK_SET), "seek before it");
	call(lseek(file, 0, 9), "seek from nowhere");
	must(pwrite(file, "xyz", 3, 100000) == 3, "pwrite");
	data_parts(file);
	must(ftruncate(file, 100001) == 0 && ftruncate(file, 110000) == 0, "cut");
	must(pread(file, block, 3, 100000) == 3, "pread");
	call(block[1] + block[2], "what was behind a cut");
	close(file);
}

static void flags(void)
{
	static const struct {
		const char *name;
		int flags;
	} kinds[] = { { "DSYNC", RWF_DSYNC },
		      { "SYNC", RWF_SYNC },
		      { "APPEND", RWF_APPEND },
		      { "unknown", 0x10000 } };
	struct iovec bytes = { block, 10 };
	int file;

	fresh("flags");
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
		must(write(file, block, 100) == 100, "write");
		part(pwritev2(file, &bytes, 1, 0, kinds[i].flags), "pwritev2 %s", kinds[i].name);
		part(preadv2(file, &bytes, 1, 0, kinds[i].flags), "preadv2");
		call(size_of(file), "size");
		close(file);
	}
	file = open("f", O_RDWR | O_APPEND);
	call(pwrite(file, "x", 1, 0), "pwrite to the end");
	call(write(file, "y", 1), "write");
	call(lseek(file, 0, SEEK_CUR), "position");
	call(syncfs(file), "syncfs");
	call(sync_file_range(file, 0, 0, 7), "sync_file_range");
	close(file);
}

static void copies(void)
{
	off_t from_at = 0, to_at = 0;
	int from, to, readable, appends;

	fresh("copies");
	from = open("from", O_RDWR | O_CREAT, 0644);
	to = open("to", O_RDWR | O_CREAT, 0644);
	readable = open("to", O_RDONLY);
	appends = open("to", O_WRONLY | O_APPEND);
	must(write(from, block, 20000) == 20000, "write");
	call(copy_file_range(from, &from_at, to, &to_at, 50000, 0), "copy of all");
	call(copy_file_range(from, &from_at, to, &to_at, 10, 0), "copy from the end");
	from_at = 777;
	to_at = 30001;
	call(copy_file_range(from, &from_at, to, &to_at, 5555, 0), "copy, odd places");
	call(copy_file_range(from, NULL, to, NULL, 10, 1), "copy, flag 1");
	from_at = 0;
	to_at = 10000;
	call(copy_file_range(from, &from_at, from, &to_at, 100, 0), "copy in itself");
	to_at = 150;
	call(copy_file_range(from, &from_at, from, &to_at, 100, 0), "copy over itself");
	call(copy_file_range(from, NULL, readable, NULL, 10, 0), "copy to a read-only one");
	call(copy_file_range(from, NULL, appends, NULL, 10, 0), "copy to one that appends");
	from_at = 5;
	call(sendfile(to, from, &from_at, 1000), "sendfile");
	call(size_of(to), "size");
	close(from);
	close(to);
	close(readable);
	close(appends);
}

void calls_of_content(void)
{
	sizes();
	ranges();
	holes();
	flags();
	copies();
}
