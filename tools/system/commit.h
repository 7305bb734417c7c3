// SPDX-License-Identifier: MIT
//
// The command `commit`: an image of a container: its image's file system, and a layer more.
#pragma once

#include "tools/common/error.h"

// Reads from `fd`, in frames (frames.h), a JSON object that says what the image is to be
// (commit_config.h), an archive of the container's image, and the layer of what the container has
// written. Makes an image in the folder `directory` (incoming.h), called `reference` ("": nothing).
// -1 with `err`.
int commit(int fd, const char *reference, const char *directory, struct error *err);
