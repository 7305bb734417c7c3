// SPDX-License-Identifier: MIT
//
// How many bytes the files of a volume have, for who has others to answer meanwhile: folder by
// folder, in callbacks of files.h.
#pragma once

#include "libs/files/files.h"

// Bytes of paths of folders that are to be looked at, at most: of tens of thousands of them.
#define VOLUME_SIZE_PATHS (4u * 1024 * 1024)

// Storage is the caller's, zero-initialised; all but `bytes` is private.
struct volume_size {
	uint64_t bytes;  // so far
	struct files *volumes;
	files_done_fn done;
	void *context;
	error_t error;
	char path[FILES_PATH_MAX];  // of the folder that is looked at
	// Each with a NUL before it: the last one is the next.
	char *paths;  // heap
	size_t used;
	size_t room;
};

// Counts the files of the volume `name` of FILES_VOLUMES, each link of several its part; `done` has
// `bytes`. Errors, to `done`, too: as files_list's, ERR_NO_MEMORY; ERR_LIMIT: it has too many
// folders, or too deep ones.
__must_check error_t volume_size_start(struct volume_size *size, struct files *volumes,
                                       const char *name, files_done_fn done, void *context);
// `done` does not come. One that is not on its way is left alone.
void volume_size_cancel(struct volume_size *size);
