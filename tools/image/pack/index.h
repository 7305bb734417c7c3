// SPDX-License-Identifier: MIT
//
// Several packed images on one disk, for the OS's own programs to run: the index
// (libs/linux/image/image_index.h reads it) and the disk, as a VMDK description that names the
// images' files one after the other. Nothing is copied.
#pragma once

#include <jansson.h>

#include "tools/common/error.h"

#define INDEX_FILE "images.json"
#define INDEX_BUILTIN "builtin.json"  // likewise, of "builtin" alone
#define INDEX_DISK "images.vmdk"

// One image: "NAME=DIRECTORY", the name as people write it (reference.h), "builtin" (commands run
// in it) or "system" (it pulls images, tools/system); the directory is a packed image's (pack.h).
// Writes INDEX_FILE, INDEX_BUILTIN and INDEX_DISK into `output`. Of two images of one name the
// later one stays.
int index_write(const char *output, char *const *images, unsigned count, struct error *err);

// Of an image's configuration, what says how it is run, as images.json has it. For json_decref();
// NULL: out of memory. (OCI image spec, config.md)
json_t *index_config(const json_t *image);
