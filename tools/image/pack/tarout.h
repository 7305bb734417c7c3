// SPDX-License-Identifier: MIT
//
// Writing the finished tree as one tar stream, the same bytes for the same tree.
#pragma once

#include "tools/common/error.h"
#include "tools/common/log.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"

// Writes a pax archive (attributes as SCHILY.xattr.*) to `fd`: the root first, then all names sorted. `progress` may be
// NULL; it is given bytes of content. Returns 0, or -1 with `err`.
int tar_write(struct tree *tree, const struct spool *spool, int fd, struct progress *progress,
              struct error *err);
