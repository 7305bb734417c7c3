// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

// Not O_APPEND: the guest writes pages of mapped memory to their places by any handle that it has.
#define OPEN_FLAGS (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC)

int op_open(struct call *call)
{
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE };
	struct fuse_open_in in;
	struct fuse_attr attr;
	int flags;
	int fd;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	flags = (int)in.flags & OPEN_FLAGS;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		result = call_may_write(call);
	if (result == 0)
		result = S_ISDIR(call->node->type) ? -EISDIR
						   : node_attr(call->fs, call->node, &attr);
	// What is a device to the guest is none of its files.
	if (result == 0 && !S_ISREG(attr.mode))
		result = -ENXIO;
	if (result == 0)
		result = handle_room(call->fs);
	if (result == 0 && (in.open_flags & FUSE_OPEN_KILL_SUIDGID) && (flags & O_TRUNC))
		result = ownership_kill_setid(call->fs, call->node);
	if (result < 0)
		return result;
	fd = node_open(call->fs, call->node, flags);
	if (fd < 0)
		return fd;
	result = handle_add(call->fs, call->node, fd, &out.fh);
	return result < 0 ? result : call_put(call, &out, sizeof(out));
}

int op_read(struct call *call)
{
	struct fuse_read_in in;
	struct handle *handle;
	size_t size;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	if (!(handle = handle_file(call->fs, call->node, in.fh)))
		return -EBADF;
	if (in.offset > INT64_MAX)
		return -EINVAL;
	size = in.size < HOSTFS_MAX_DATA ? in.size : HOSTFS_MAX_DATA;
	while (call->out_len < size) {
		ssize_t length = pread(handle->fd, call->out + call->out_len, size - call->out_len,
		                       (off_t)(in.offset + call->out_len));

		if (length < 0 && call->out_len == 0)
			return -errno;
		if (length <= 0)
			break;
		call->out_len += (size_t)length;
	}
	return 0;
}

// As pwrite, or to the file's end.
static ssize_t write_some(int fd, const uint8_t *data, size_t size, off_t offset, bool append)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

	if (append) {
		ssize_t length = pwritev2(fd, &part, 1, offset, RWF_APPEND);

		// Where the host has no such call, the end is where the guest sees it.
		if (length >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
			return length;
	}
	return pwrite(fd, data, size, offset);
}

int op_write(struct call *call)
{
	struct fuse_write_out out = { 0 };
	struct fuse_write_in in;
	struct handle *handle;
	bool append;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = call_may_write(call);
	if (result < 0)
		return result;
	if (in.size > call->body_len || in.offset > INT64_MAX)
		return -EINVAL;
	if (!(handle = handle_file(call->fs, call->node, in.fh)))
		return -EBADF;
	append = (in.flags & O_APPEND) && !(in.write_flags & FUSE_WRITE_CACHE);
	if (in.write_flags & FUSE_WRITE_KILL_SUIDGID)
		result = ownership_kill_setid(call->fs, call->node);
	while (result == 0 && out.size < in.size) {
		ssize_t length = write_some(handle->fd, call->body + out.size, in.size - out.size,
		                            (off_t)(in.offset + out.size), append);

		if (length < 0 && out.size == 0)
			result = -errno;
		if (length <= 0)
			break;
		out.size += (uint32_t)length;
	}
	return result < 0 ? result : call_put(call, &out, sizeof(out));
}

int op_release(struct call *call)
{
	struct fuse_release_in in;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		handle_drop(call->fs, call->node, in.fh);
	return result;
}

int op_fsync(struct call *call)
{
	struct fuse_fsync_in in;
	struct handle *handle;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	if (!(handle = handle_file(call->fs, call->node, in.fh)))
		return -EBADF;
	if (in.fsync_flags & FUSE_FSYNC_FDATASYNC)
		return fdatasync(handle->fd) < 0 ? -errno : 0;
	return fsync(handle->fd) < 0 ? -errno : 0;
}

int op_fallocate(struct call *call)
{
	struct fuse_fallocate_in in;
	struct handle *handle;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = call_may_write(call);
	if (result < 0)
		return result;
	if (!(handle = handle_file(call->fs, call->node, in.fh)))
		return -EBADF;
	if (in.offset > INT64_MAX || in.length > INT64_MAX)
		return -EFBIG;
	// Linux does not say whether the writer may keep them.
	result = ownership_kill_setid(call->fs, handle->node);
	if (result < 0)
		return result;
	return fallocate(handle->fd, (int)in.mode, (off_t)in.offset, (off_t)in.length) < 0 ? -errno
											   : 0;
}

int op_lseek(struct call *call)
{
	struct fuse_lseek_out out;
	struct fuse_lseek_in in;
	struct handle *handle;
	off_t offset;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	if (!(handle = handle_file(call->fs, call->node, in.fh)))
		return -EBADF;
	if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE)
		return -EINVAL;
	offset = lseek(handle->fd, (off_t)in.offset, (int)in.whence);
	if (offset < 0)
		return -errno;
	out = (struct fuse_lseek_out){ .offset = (uint64_t)offset };
	return call_put(call, &out, sizeof(out));
}

int op_copy_file_range(struct call *call)
{
	struct fuse_copy_file_range_in in;
	struct fuse_write_out out = { 0 };
	struct node *target;
	struct handle *from;
	struct handle *to;
	off_t from_offset;
	off_t to_offset;
	ssize_t length;
	size_t size;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	target = node_find(call->fs, in.nodeid_out);
	if (!target)
		return -ESTALE;
	from = handle_file(call->fs, call->node, in.fh_in);
	to = handle_file(call->fs, target, in.fh_out);
	if (!from || !to)
		return -EBADF;
	if (call->fs->shares[to->node->share].read_only)
		return -EROFS;
	if (in.off_in > INT64_MAX || in.off_out > INT64_MAX || in.flags != 0)
		return -EINVAL;
	// Linux does not say whether the writer may keep them.
	result = ownership_kill_setid(call->fs, to->node);
	if (result < 0)
		return result;
	call->changed[1].dev = to->node->dev;
	call->changed[1].ino = to->node->ino;
	from_offset = (off_t)in.off_in;
	to_offset = (off_t)in.off_out;
	// In pieces, so that nobody waits for a long one.
	size = in.len < 16 * 1024 * 1024 ? (size_t)in.len : 16 * 1024 * 1024;
	length = copy_file_range(from->fd, &from_offset, to->fd, &to_offset, size, 0);
	if (length < 0)
		return -errno;
	out.size = (uint32_t)length;
	return call_put(call, &out, sizeof(out));
}
