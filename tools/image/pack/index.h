// SPDX-License-Identifier: MIT
//
// Several packed images on one disk, for the OS's own programs to run: the index
// (libs/linux/image/image_index.h reads it) and the disk, as a VMDK description that names the
// images' files one after the other. Nothing is copied.
#pragma once

#include "tools/common/error.h"

#define INDEX_FILE "images.json"
#define INDEX_DISK "images.vmdk"

// One image: "NAME=DIRECTORY", the name as people write it (reference.h) or "builtin"; the
// directory is a packed image's (pack.h). Writes INDEX_FILE and INDEX_DISK into `output`. Of two
// images of one name the later one stays.
int index_write(const char *output, char *const *images, unsigned count, struct error *err);
