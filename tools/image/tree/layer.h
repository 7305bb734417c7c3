// SPDX-License-Identifier: MIT
//
// Applying an image layer, a tar archive, to the tree. (OCI image spec, layer.md)
#pragma once

#include <stdint.h>

#include "tools/common/error.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"

struct archive;

// Where the bytes of a layer come from. `read` returns the number of bytes it put into `buffer`, 0
// at the end, -1 with `err`.
struct layer_source {
	long (*read)(struct layer_source *source, void *buffer, unsigned long size,
	             struct error *err);
};

// Applies the layer, plain or compressed with gzip, bzip2, xz or zstd, to `tree` as layer number
// `number` (counting up from 1), its files' contents to `spool`. All bytes of `source` are read.
// `diff_id` (DIGEST_TEXT_SIZE bytes) is what the digest of the uncompressed bytes should be, or
// empty; it gets what it is, by the same algorithm. NULL: none is computed. The archive may end, as
// Go's reader has it, without its end blocks and without the last padding. On -1, with `err`, the
// tree is of no use any more.
int layer_apply(struct tree *tree, struct spool *spool, struct layer_source *source,
                unsigned number, char *diff_id, struct error *err);
