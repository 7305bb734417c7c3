// SPDX-License-Identifier: MIT
//
// One file, read and written in all ways in random order, compared with a model in memory: PATH
// SEED STEPS. Ends with "ok".
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_stress.h"

#define MAX_SIZE (512u * 1024)
#define MAX_PIECE (96u * 1024)

static uint8_t model[MAX_SIZE + 4096];
static uint8_t buffer[MAX_SIZE];
static size_t size;
static const char *path;
static int file;

static void reopen(int flags)
{
	MUST(close(file) == 0);
	file = open(path, O_RDWR | flags);
	MUST(file >= 0);
}

static void model_size(size_t wanted)
{
	if (wanted < size)
		memset(model + wanted, 0, size - wanted);
	size = wanted;
}

static void fill(uint8_t *bytes, size_t length)
{
	uint32_t value = any(1u << 31);

	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(value + i * 7 + (i >> 8));
}

static void compare(const uint8_t *bytes, size_t at, size_t length, const char *how)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != model[at + i])
			FAIL("%s: byte %zu of [%zu, %zu), size %zu: %02x instead of %02x", how,
			     at + i, at, at + length, size, bytes[i], model[at + i]);
	}
}

static void do_write(size_t at, size_t length)
{
	fill(model + at, length);
	MUST(pwrite(file, model + at, length, (off_t)at) == (ssize_t)length);
	if (at + length > size)
		size = at + length;
}

static void do_append(size_t length)
{
	int end;

	if (size + length > MAX_SIZE)
		return;
	end = open(path, O_WRONLY | O_APPEND);
	MUST(end >= 0);
	fill(model + size, length);
	MUST(write(end, model + size, length) == (ssize_t)length);
	MUST(close(end) == 0);
	size += length;
}

static void do_read(size_t at, size_t length)
{
	size_t there = at >= size ? 0 : length < size - at ? length : size - at;

	MUST(pread(file, buffer, length, (off_t)at) == (ssize_t)there);
	compare(buffer, at, there, "read");
}

static void do_map(size_t at, size_t length, int write)
{
	size_t begin = at & ~(size_t)4095;
	uint8_t *bytes;

	if (at >= size)
		return;
	if (length > size - at)
		length = size - at;
	bytes = mmap(NULL, at - begin + length, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED,
	             file, (off_t)begin);
	MUST(bytes != MAP_FAILED);
	compare(bytes + (at - begin), at, length, "mapped");
	if (write) {
		fill(model + at, length);
		memcpy(bytes + (at - begin), model + at, length);
		if (write > 1)
			MUST(msync(bytes, at - begin + length, MS_SYNC) == 0);
	}
	MUST(munmap(bytes, at - begin + length) == 0);
}

static void do_fallocate(int mode, size_t at, size_t length)
{
	if (fallocate(file, mode, (off_t)at, (off_t)length) < 0) {
		MUST(errno == EOPNOTSUPP);
		return;
	}
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		size_t end = at + length < size ? at + length : size;

		if (at < end)
			memset(model + at, 0, end - at);
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && at + length > size)
		size = at + length;
}

static void do_copy(size_t from, size_t to, size_t length)
{
	off_t in = (off_t)from, out = (off_t)to;
	ssize_t done;

	if (from + length > size || (from < to + length && to < from + length))
		return;
	done = copy_file_range(file, &in, file, &out, length, 0);
	if (done < 0) {
		MUST(errno == EOPNOTSUPP || errno == EXDEV || errno == ENOSYS);
		return;
	}
	memcpy(model + to, model + from, (size_t)done);
	if (to + (size_t)done > size)
		size = to + (size_t)done;
}

static void check_size(void)
{
	struct stat status;

	MUST(fstat(file, &status) == 0);
	if ((size_t)status.st_size != size)
		FAIL("size %lld instead of %zu", (long long)status.st_size, size);
}

static void one_step(void)
{
	size_t at = any(4) == 0 ? any(MAX_SIZE / 4096) * 4096 : any(MAX_SIZE);
	size_t length = 1 + any(any(3) == 0 ? 600 : MAX_PIECE);

	if (length > MAX_SIZE - at)
		length = MAX_SIZE - at;
	switch (any(16)) {
	case 0:
	case 1:
	case 2: do_write(at, length); break;
	case 3:
	case 4:
	case 5: do_read(at, length); break;
	case 6: do_map(at, length, 0); break;
	case 7: do_map(at, length, 1); break;
	case 8: do_map(at, length, 2); break;
	case 9:
		MUST(ftruncate(file, (off_t)at) == 0);
		model_size(at);
		break;
	case 10: do_append(1 + any(9000)); break;
	case 11: do_fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length); break;
	case 12: do_fallocate(any(2) ? FALLOC_FL_ZERO_RANGE : 0, at, length); break;
	case 13: do_copy(any(MAX_SIZE), at, length); break;
	case 14: reopen(0); break;
	default: MUST(any(2) ? fsync(file) == 0 : fdatasync(file) == 0); break;
	}
	check_size();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	path = argv[1];
	random_state = strtoull(argv[2], NULL, 10);
	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	MUST(file >= 0);
	for (step = 0; step < strtoul(argv[3], NULL, 10); step++) {
		one_step();
		if (step % 64 == 0)
			do_read(0, MAX_SIZE);
	}
	reopen(O_SYNC);
	do_read(0, MAX_SIZE);
	MUST(close(file) == 0 && unlink(path) == 0);
	puts("ok");
	return 0;
}
