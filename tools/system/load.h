// SPDX-License-Identifier: MIT
//
// The command `load`: the images of an archive of `docker save`, or of an OCI one.
#pragma once

#include "tools/common/error.h"

// Reads the archive from `fd` and makes its images in the folder `directory` (incoming.h), one
// after the other. Those for other platforms are passed over, unless there is no other. -1 with
// `err`: what was made and reported before stays.
int load(int fd, const char *directory, struct error *err);
