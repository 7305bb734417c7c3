// SPDX-License-Identifier: MIT
#include "tools/system/frames.h"

#include <errno.h>
#include <unistd.h>

#define HEAD 4

static long source_read(struct layer_source *source, void *buffer, unsigned long size,
                        struct error *err)
{
	return frames_read((struct frames *)source, buffer, size, err);
}

void frames_init(struct frames *frames, int fd)
{
	*frames = (struct frames){ .source.read = source_read, .fd = fd };
}

// As read(2), and no end is expected.
static long bytes_read(struct frames *frames, void *buffer, size_t size, struct error *err)
{
	ssize_t length;

	do
		length = read(frames->fd, buffer, size);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return error_set_errno(err, errno, "what the container has written cannot be read");
	if (length == 0)
		return error_set(err,
		                 "what the container has written breaks off: it has ended, "
		                 "or could not be read");
	return length;
}

static int head_read(struct frames *frames, struct error *err)
{
	unsigned char head[HEAD];
	size_t done = 0;

	while (done < HEAD) {
		long length = bytes_read(frames, head + done, HEAD - done, err);

		if (length < 0)
			return -1;
		done += (size_t)length;
	}
	frames->left = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
		head[3];
	frames->ended = frames->left == 0;
	return 0;
}

long frames_read(struct frames *frames, void *buffer, size_t size, struct error *err)
{
	long length;

	if (frames->left == 0 && !frames->ended && head_read(frames, err) < 0)
		return -1;
	if (frames->ended || size == 0)
		return 0;
	length = bytes_read(frames, buffer, size < frames->left ? size : frames->left, err);
	if (length > 0)
		frames->left -= (uint32_t)length;
	return length;
}

int frames_next(struct frames *frames, struct error *err)
{
	static char rest[4096];
	long length;

	while ((length = frames_read(frames, rest, sizeof(rest), err)) > 0)
		;
	frames->ended = false;
	return length < 0 ? -1 : 0;
}
