// SPDX-License-Identifier: MIT
#include "tools/image/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (1u << 20)
#define SPOOL_CONTEXT "cannot keep the image's files while they are packed"

static int buffer_make(struct spool *spool, struct error *err)
{
	spool->buffer = malloc(BUFFER_SIZE);
	return spool->buffer ? 0 : error_set(err, "out of memory");
}

int spool_init(struct spool *spool, const char *directory, struct error *err)
{
	char *path;

	*spool = (struct spool){ .fd = -1, .limit = SPOOL_DEFAULT_LIMIT };
	if (asprintf(&path, "%s/spool.XXXXXX", directory) < 0)
		return error_set(err, "out of memory");
	spool->fd = mkostemp(path, O_CLOEXEC);
	if (spool->fd < 0)
		error_set_errno(err, errno, "cannot make a file in %s", directory);
	else
		unlink(path);
	free(path);
	if (spool->fd < 0)
		return -1;
	if (buffer_make(spool, err) == 0)
		return 0;
	spool_deinit(spool);
	return -1;
}

int spool_adopt(struct spool *spool, int fd, uint64_t start, struct error *err)
{
	*spool = (struct spool){ .fd = fd,
		                 .size = start,
		                 .limit = SPOOL_DEFAULT_LIMIT,
		                 .is_adopted = true };
	return buffer_make(spool, err);
}

void spool_deinit(struct spool *spool)
{
	if (spool->fd >= 0 && !spool->is_adopted)
		close(spool->fd);
	spool->fd = -1;
	free(spool->buffer);
	spool->buffer = NULL;
}

// Fills up to `start`, where the next file's room begins, if the buffer ends where the rooms so far
// do: small files go to the disk together.
static void buffer_fill(struct spool *spool, uint64_t start)
{
	uint64_t gap = start - spool->size;

	if (spool->buffered == 0 || spool->buffer_offset + spool->buffered != spool->size ||
	    gap >= BUFFER_SIZE - spool->buffered)
		return;
	memset(spool->buffer + spool->buffered, 0, gap);
	spool->buffered += gap;
}

int spool_reserve(struct spool *spool, uint64_t size, uint64_t *offset, struct error *err)
{
	uint64_t start = content_align(spool->size);

	if (start > spool->limit || size > spool->limit - start)
		return error_set(err, "the image holds more than %llu MiB of files",
		                 (unsigned long long)(spool->limit >> 20));
	buffer_fill(spool, start);
	*offset = start;
	spool->size = start + size;
	return 0;
}

static int bytes_write(struct spool *spool, uint64_t offset, const char *bytes, size_t size,
                       struct error *err)
{
	while (size > 0) {
		ssize_t written = pwrite(spool->fd, bytes, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_set_errno(err, errno, SPOOL_CONTEXT);
		bytes += written;
		size -= (size_t)written;
		offset += (uint64_t)written;
	}
	return 0;
}

static int buffer_write(struct spool *spool, struct error *err)
{
	size_t size = spool->buffered;

	spool->buffered = 0;
	return bytes_write(spool, spool->buffer_offset, spool->buffer, size, err);
}

int spool_write(struct spool *spool, uint64_t offset, const void *data, size_t size,
                struct error *err)
{
	const char *bytes = data;

	if (offset != spool->buffer_offset + spool->buffered && buffer_write(spool, err) < 0)
		return -1;
	while (size > 0) {
		size_t part = BUFFER_SIZE - spool->buffered;

		if (spool->buffered == 0)
			spool->buffer_offset = offset;
		if (part > size)
			part = size;
		memcpy(spool->buffer + spool->buffered, bytes, part);
		spool->buffered += part;
		bytes += part;
		size -= part;
		offset += part;
		if (spool->buffered == BUFFER_SIZE && buffer_write(spool, err) < 0)
			return -1;
	}
	return 0;
}

int spool_flush(struct spool *spool, struct error *err)
{
	struct stat status;

	if (buffer_write(spool, err) < 0)
		return -1;
	if (fstat(spool->fd, &status) < 0 ||
	    ((uint64_t)status.st_size < spool->size &&
	     ftruncate(spool->fd, (off_t)spool->size) < 0))
		return error_set_errno(err, errno, SPOOL_CONTEXT);
	return 0;
}

int spool_read(struct spool *spool, uint64_t offset, void *data, size_t size, struct error *err)
{
	char *bytes = data;

	if (spool->buffered > 0 && buffer_write(spool, err) < 0)
		return -1;
	while (size > 0) {
		ssize_t length = pread(spool->fd, bytes, size, (off_t)offset);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return error_set_errno(err, errno, SPOOL_CONTEXT);
		// Behind the file's end is room that nothing was written to.
		if (length == 0) {
			memset(bytes, 0, size);
			return 0;
		}
		bytes += length;
		size -= (size_t)length;
		offset += (uint64_t)length;
	}
	return 0;
}
