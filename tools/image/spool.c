// SPDX-License-Identifier: MIT
#include "tools/image/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPOOL_CONTEXT "cannot keep the image's files while they are packed"

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
	return spool->fd < 0 ? -1 : 0;
}

void spool_deinit(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
}

int spool_reserve(struct spool *spool, uint64_t size, uint64_t *offset, struct error *err)
{
	if (size > spool->limit - spool->size)
		return error_set(err, "the image holds more than %llu MiB of files",
		                 (unsigned long long)(spool->limit >> 20));
	*offset = spool->size;
	spool->size += size;
	if (ftruncate(spool->fd, (off_t)spool->size) < 0)
		return error_set_errno(err, errno, SPOOL_CONTEXT);
	return 0;
}

int spool_write(struct spool *spool, uint64_t offset, const void *data, size_t size,
                struct error *err)
{
	const char *bytes = data;

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

int spool_read(const struct spool *spool, uint64_t offset, void *data, size_t size,
               struct error *err)
{
	char *bytes = data;

	while (size > 0) {
		ssize_t length = pread(spool->fd, bytes, size, (off_t)offset);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return error_set_errno(err, length < 0 ? errno : EIO, SPOOL_CONTEXT);
		bytes += length;
		size -= (size_t)length;
		offset += (uint64_t)length;
	}
	return 0;
}
