// SPDX-License-Identifier: MIT
//
// The boot disk: a ustar archive, as it is, on a virtio-blk disk. It holds, in this order, `kernel`
// (the guest's), `initramfs.cpio` (with bootd as /init), `images.json` (what is on the disk with
// the images of apps) and `config.json` (the container's configuration).
#pragma once

#include "tools/common/error.h"

// Writes the archive to `path`. The same inputs give the same bytes.
int boot_disk_write(const char *path, const char *kernel, const char *initramfs, const char *images,
                    const char *config, struct error *err);
