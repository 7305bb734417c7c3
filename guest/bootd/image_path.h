// SPDX-License-Identifier: MIT
// Paths of an untrusted image. Their symbolic links are read as text, from the caller's root on: so
// none leads out of it, and one that dangles says what it wants to be there.
#pragma once

#include <limits.h>

// Finds what `path` (absolute) names, and makes the directories that are missing on the way and at
// its end (mode 0755 less the umask). "." and ".." are taken out before links are followed, as
// Docker does. `real` is the path without links; what was there need not be a directory. Nobody
// else may change the tree meanwhile. Returns 0, or -1 with errno: ELOOP after 40 links, EACCES for
// a link of /proc to what a process has open.
int image_path_make(const char *path, char real[PATH_MAX]);

// The same without making anything: behind what is missing, the names are as they were said. Who
// changes the tree meanwhile changes the answer only.
int image_path_find(const char *path, char real[PATH_MAX]);
