// SPDX-License-Identifier: MIT
// A new volume gets what the image has where it is mounted, as docker does it.
#pragma once

#include "guest/bootd/failure.h"

// An attribute of a volume's folder that is being filled. Who sees it at a start goes on with that:
// the machine went off in the middle. Several containers may do so at a time.
#define VOLUME_FILL_MARK "trusted.starina.filling"

// Copies what is in the folder `from`, and its own owner, mode and attributes, into the folder
// `to` if that is empty, or was filled in part. Files get their names when they are whole.
// Symbolic links are not followed, hard links stay such; sockets and what is mounted in `from` are
// left out. Both paths end in a folder, and nobody else changes what is below. Returns 0 or a
// negative errno with the failure set.
int volume_fill(const char *from, const char *to, struct failure *failure);
