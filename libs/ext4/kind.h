// SPDX-License-Identifier: MIT
//
// What a block of metadata was found to be (block_kind of cache.h).
#pragma once

enum block_kind {
	KIND_UNKNOWN,
	KIND_BLOCK_BITMAP,
	KIND_INODE_BITMAP,
	KIND_EXTENTS,
	KIND_DIR,
	KIND_INDEX_ROOT,
	KIND_INDEX,
	KIND_XATTRS,
};
