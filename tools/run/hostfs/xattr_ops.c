// SPDX-License-Identifier: MIT
//
// Extended attributes: those of "user.", without our own.
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "tools/run/hostfs/internal.h"

#define MAX_VALUE 65536u

static int take_name(struct call *call, const char **name)
{
	int result = call_string(call, name);

	if (result < 0)
		return result;
	if (strncmp(*name, "user.", 5) != 0)
		return -EOPNOTSUPP;
	if (strcmp(*name, HOSTFS_OVERRIDE) == 0)
		return -EPERM;
	return S_ISREG(call->node->type) || (S_ISDIR(call->node->type) && !call->node->is_root)
		? 0
		: -EPERM;
}

int op_setxattr(struct call *call)
{
	struct fuse_setxattr_in in;
	const char *name;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = call_may_write(call);
	if (result == 0)
		result = take_name(call, &name);
	if (result < 0)
		return result;
	if (in.size > call->body_len || in.size > MAX_VALUE)
		return -E2BIG;
	return setxattr(node_path(call->node).text, name, call->body, in.size, (int)in.flags) < 0
		? -errno
		: 0;
}

// Answers with a value of `length` bytes, or with its length when that was the question.
static int value_put(struct call *call, const struct fuse_getxattr_in *in, const void *value,
                     size_t length)
{
	struct fuse_getxattr_out out = { .size = (uint32_t)length };

	if (in->size == 0)
		return call_put(call, &out, sizeof(out));
	return length > in->size ? -ERANGE : call_put(call, value, length);
}

int op_getxattr(struct call *call)
{
	char value[MAX_VALUE];
	struct fuse_getxattr_in in;
	const char *name;
	ssize_t length;
	int result = call_take(call, &in, sizeof(in));

	if (result == 0)
		result = take_name(call, &name);
	if (result < 0)
		return result == -EPERM ? -ENODATA : result;
	length = getxattr(node_path(call->node).text, name, value, sizeof(value));
	return length < 0 ? -errno : value_put(call, &in, value, (size_t)length);
}

int op_listxattr(struct call *call)
{
	char names[MAX_VALUE];
	char shown[MAX_VALUE];
	struct fuse_getxattr_in in;
	size_t shown_length = 0;
	ssize_t length = 0;
	int result = call_take(call, &in, sizeof(in));

	if (result < 0)
		return result;
	if (S_ISREG(call->node->type) || (S_ISDIR(call->node->type) && !call->node->is_root))
		length = listxattr(node_path(call->node).text, names, sizeof(names));
	if (length < 0)
		return -errno;
	for (size_t i = 0; i < (size_t)length; i += strlen(names + i) + 1) {
		size_t size = strlen(names + i) + 1;

		if (strncmp(names + i, "user.", 5) != 0 || strcmp(names + i, HOSTFS_OVERRIDE) == 0)
			continue;
		memcpy(shown + shown_length, names + i, size);
		shown_length += size;
	}
	return value_put(call, &in, shown, shown_length);
}

int op_removexattr(struct call *call)
{
	const char *name;
	int result = call_may_write(call);

	if (result == 0)
		result = take_name(call, &name);
	if (result < 0)
		return result;
	return removexattr(node_path(call->node).text, name) < 0 ? -errno : 0;
}
