// SPDX-License-Identifier: MIT
//
// Writing the finished tree as a squashfs image, the same bytes for the same tree. Nothing is
// compressed: what decompressing costs in the guest is far more than what it saves (see "Images" in
// docs/benchmarks.md).
#pragma once

#include "tools/common/error.h"
#include "tools/common/log.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"

// Where contents may begin in an image's file.
#define SQUASHFS_CONTENTS 96u

// Writes `tree`, as the directory PACK_ROOT_DIRECTORY of the image, to the empty file `fd`, in time
// that grows as the number of files. A spool that is that very file (spool_adopt with
// SQUASHFS_CONTENTS) keeps the contents where they are: nothing is copied, and blocks of zeros are
// kept. `progress` may be NULL; it is given bytes of content. Returns 0, or -1 with `err`.
// (Squashfs binary format, version 4.0)
int squashfs_pack(struct tree *tree, struct spool *spool, int fd, struct progress *progress,
                  struct error *err);
