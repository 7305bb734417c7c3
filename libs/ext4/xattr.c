// SPDX-License-Identifier: MIT
#include "libs/ext4/xattr.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/internal.h"

int xattr_release(struct update *u, struct inode *inode)
{
	(void)u;
	(void)inode;
	return 0;
}

int ext4_getxattr(struct update *u, struct ext4_node node, struct span name, uint8_t *out,
                  size_t *len)
{
	(void)u, (void)node, (void)name, (void)out, (void)len;
	return -LINUX_EOPNOTSUPP;
}

int ext4_listxattr(struct update *u, struct ext4_node node, uint8_t *out, size_t *len)
{
	(void)u, (void)node, (void)out, (void)len;
	return -LINUX_EOPNOTSUPP;
}

int ext4_setxattr(struct update *u, struct ext4_node node, struct span name, struct span value,
                  uint32_t flags)
{
	(void)u, (void)node, (void)name, (void)value, (void)flags;
	return -LINUX_EOPNOTSUPP;
}

int ext4_removexattr(struct update *u, struct ext4_node node, struct span name)
{
	(void)u, (void)node, (void)name;
	return -LINUX_EOPNOTSUPP;
}
