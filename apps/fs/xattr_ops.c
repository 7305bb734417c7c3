// SPDX-License-Identifier: MIT
//
// Extended attributes. Those of "system." are the file system's own: there are none for clients.
#include "apps/fs/fs.h"
#include "libs/base/string.h"

// More than fits into an inode and its block.
#define VALUE_MAX 8192u

static int check_name(struct span name)
{
	static const char *const prefixes[] = { "user.", "trusted.", "security." };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct span rest = name;

		if (!span_take_prefix(&rest, prefixes[i]))
			continue;
		if (rest.len == 0)
			return -LINUX_EINVAL;
		return name.len > EXT4_NAME_MAX ? -LINUX_ERANGE : 0;
	}
	return -LINUX_EOPNOTSUPP;
}

static int take_name(struct reader *in, struct span *name)
{
	int result = call_string(in, name);

	return result != 0 ? result : check_name(*name);
}

int op_setxattr(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_setxattr_in in;
	struct span name, value;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0)
		result = take_name(&body, &name);
	if (result != 0)
		return result;
	if ((in.flags & ~(uint32_t)(EXT4_XATTR_CREATE | EXT4_XATTR_REPLACE)) != 0)
		return -LINUX_EINVAL;
	value = reader_bytes(&body, in.size);
	if (reader_status(&body) < 0)
		return -LINUX_EINVAL;
	result = call_begin(call, EXT4_CREDITS_XATTR);
	if (result == 0)
		result = ext4_setxattr(&call->fs->update, call->node->id, name, value, in.flags);
	return call_end(call, result);
}

int op_removexattr(struct call *call)
{
	struct reader body = call_reader(call);
	struct span name;
	int result = take_name(&body, &name);

	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_XATTR);
	if (result == 0)
		result = ext4_removexattr(&call->fs->update, call->node->id, name);
	return call_end(call, result);
}

// Answers with a value of call->out_len bytes, or with its length when that was the question.
static int value_put(struct call *call, const struct fuse_getxattr_in *in, size_t len)
{
	struct fuse_getxattr_out out = { .size = (uint32_t)len };

	if (in->size == 0) {
		call->out_len = 0;
		call_put(call, &out, sizeof(out));
		return 0;
	}
	call->out_len = (uint32_t)len;
	return 0;
}

int op_getxattr(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_getxattr_in in;
	struct span name;
	size_t len;
	int result = call_take(&body, &in, sizeof(in));

	if (result == 0)
		result = take_name(&body, &name);
	len = in.size < VALUE_MAX ? in.size : VALUE_MAX;
	if (result == 0)
		result = call_room(call, (uint32_t)len);
	if (result == 0)
		result = call_begin(call, 0);
	else
		return result;
	if (result == 0)
		result = ext4_getxattr(&call->fs->update, call->node->id, name,
		                       len == 0 ? NULL : call->out, &len);
	result = call_end_read(call, result);
	return result != 0 ? result : value_put(call, &in, len);
}

int op_listxattr(struct call *call)
{
	struct reader body = call_reader(call);
	struct fuse_getxattr_in in;
	size_t len;
	int result = call_take(&body, &in, sizeof(in));

	if (result != 0)
		return result;
	len = in.size < VALUE_MAX ? in.size : VALUE_MAX;
	result = call_room(call, (uint32_t)len);
	if (result == 0)
		result = call_begin(call, 0);
	else
		return result;
	if (result == 0)
		result = ext4_listxattr(&call->fs->update, call->node->id,
		                        len == 0 ? NULL : call->out, &len);
	result = call_end_read(call, result);
	return result != 0 ? result : value_put(call, &in, len);
}
