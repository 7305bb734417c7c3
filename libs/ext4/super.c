// SPDX-License-Identifier: MIT
#include "libs/ext4/super.h"

#include "libs/abi/linux_error.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/ext4/internal.h"

int super_load(struct ext4 *fs, const uint8_t *first_block, char *why, size_t why_size)
{
	struct reader r = reader_make(first_block + 1024, 1024);

	reader_skip(&r, 4);
	fs->num_blocks = reader_le32(&r);
	reader_skip(&r, 48);
	if (reader_le16(&r) != 0xef53 || fs->num_blocks > fs->device->num_blocks) {
		str_copy(why, "it has no ext4 file system", why_size);
		return -LINUX_EINVAL;
	}
	fs->super.journal_inode = 8;
	return 0;
}
