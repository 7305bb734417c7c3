// SPDX-License-Identifier: MIT
//
// A folder of simple.h that outlives the server of files: it is opened when something is asked of
// it, and opened again, and asked again, when that has died. What is asked is to be such that a
// second time does no harm. All functions block.
#pragma once

#include "libs/files/simple.h"

struct steady_folder {
	struct folder *folder;  // NULL: it is not open
};

// Whether to ask something of the folder of the share `uri` behind `connector` (not consumed),
// which is open then: for the first time (`*tries` is 0), or again, since `*err` says that the
// server has died, at most three times. In the end `*err` is what was asked's, or folder_open's.
//
//	for (unsigned tries = 0; steady_try(&steady, connector, uri, &tries, &err);)
//		err = folder_write(steady.folder, ...);
bool steady_try(struct steady_folder *steady, handle_t connector, const char *uri, unsigned *tries,
                error_t *err);

// One thing that is asked of the folder. What it has told of a try that failed is worth nothing.
typedef error_t steady_fn(struct folder *folder, void *context);

// Asks it, at most three times. Errors: as
// folder_open's, and its own; ERR_PEER_CLOSED: the server has died each time.
__must_check error_t steady_ask(struct steady_folder *steady, handle_t connector, const char *uri,
                                steady_fn *what, void *context);
// Closes it; it can be asked again.
void steady_close(struct steady_folder *steady);
