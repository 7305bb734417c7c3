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
