// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

int op_opendir(struct call *call)
{
	struct fuse_open_out out = { 0 };
	int fd;
	int result;

	if (!S_ISDIR(call->node->type))
		return -ENOTDIR;
	// Of the root there is nothing to list: whoever may look into it knows the shares' numbers.
	if (call->node->is_root)
		return -EACCES;
	fd = node_open(call->fs, call->node, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	result = handle_add(call->fs, call->node, fd, &out.fh);
	return result < 0 ? result : call_put(call, &out, sizeof(out));
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// Adds an entry, if there is room. With `plus`, the guest has looked it up by that.
static int entry_add(struct call *call, const struct dirent64 *entry, bool plus)
{
	static const uint8_t zeros[8];
	size_t length = strlen(entry->d_name);
	const uint64_t number = node_number(call->fs, call->node, entry->d_ino);
	struct fuse_direntplus out = { .dirent = { .ino = number,
		                                   .off = (uint64_t)entry->d_off,
		                                   .namelen = (uint32_t)length } };
	size_t fixed = plus ? sizeof(out) : sizeof(out.dirent);
	size_t padded = FUSE_DIRENT_ALIGN(fixed + length);
	struct node *node;
	int result;

	if (call->out_max - call->out_len < padded)
		return -ERANGE;
	// One that is gone, or cannot be looked at, is listed without.
	if (plus && !is_dots(entry->d_name) &&
	    node_lookup(call->fs, call->node, entry->d_name, &node) == 0 &&
	    node_entry(call->fs, node, &out.entry_out) < 0) {
		node_forget(call->fs, node, 1);
		out.entry_out = (struct fuse_entry_out){ 0 };
	}
	out.dirent.type = out.entry_out.nodeid ? out.entry_out.attr.mode >> 12
					       : ownership_entry_type(call->node, entry);
	result = plus ? call_put(call, &out, fixed) : call_put(call, &out.dirent, fixed);
	if (result == 0)
		result = call_put(call, entry->d_name, length);
	if (result == 0)
		result = call_put(call, zeros, padded - fixed - length);
	return result;
}

static int read_entries(struct call *call, bool plus)
{
	struct fuse_read_in in;
	struct handle *handle;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	if (!(handle = handle_dir(call->fs, call->node, in.fh)))
		return -EBADF;
	if (in.offset > INT64_MAX)
		return -EINVAL;
	if (in.size < call->out_max)
		call->out_max = in.size;
	result = listing_seek(call->fs, handle, in.offset);
	if (result < 0)
		return result;
	while (result == 0) {
		const struct dirent64 *entry;

		result = listing_peek(handle, &entry);
		if (result < 0)
			return call->out_len == 0 ? result : 0;
		if (!entry) {
			listing_drop(handle);
			return 0;
		}
		result = entry_add(call, entry, plus);
		if (result == 0)
			listing_next(handle, entry);
	}
	// There was no room for one more.
	return call->out_len == 0 ? -EINVAL : 0;
}

int op_readdir(struct call *call)
{
	return read_entries(call, false);
}

int op_readdirplus(struct call *call)
{
	return read_entries(call, true);
}

int op_fsyncdir(struct call *call)
{
	struct fuse_fsync_in in;
	struct handle *handle;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	if (!(handle = handle_dir(call->fs, call->node, in.fh)))
		return -EBADF;
	return fsync(handle->fd) < 0 ? -errno : 0;
}
