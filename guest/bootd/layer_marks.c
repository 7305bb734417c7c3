// SPDX-License-Identifier: MIT
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "guest/bootd/layer.h"

bool layer_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

bool layer_is_opaque(int fd)
{
	char value[2];

	return fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
		value[0] == 'y';
}
