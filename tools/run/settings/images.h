// SPDX-License-Identifier: MIT
//
// The images that the OS's own programs may run (LINUXRUN_IMAGES): resolved as LINUXRUN_IMAGE is,
// and put on one disk.
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"

// In the run's directory, as `starina-image index` names them.
#define IMAGES_INDEX "images.json"
#define IMAGES_BUILTIN "builtin.json"
#define IMAGES_DISK "images.vmdk"

// Checks `list`: items with commas between them, each [NAME=]REFERENCE with a reference as
// LINUXRUN_IMAGE's or a name as docker has it. file:// and oci:// need a NAME. -1 with `err`.
int images_check(const char *list, struct error *err);

// Fetches what is missing of `list` (checked; NULL: none) and writes IMAGES_INDEX and IMAGES_DISK
// into `directory`; the built-in userland of the build is always among them, and `with_system` the
// system container, if the build has it. Blocks. -1 with `err`.
int images_prepare(const char *image_tool, const char *build, bool with_system, const char *list,
                   const char *directory, struct error *err);
