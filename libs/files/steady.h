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

// One thing that is asked of the folder. What it has told of a try that failed is worth nothing.
typedef error_t steady_fn(struct folder *folder, void *context);

// Asks it of the share `uri` behind `connector` (not consumed), at most three times. Errors: as
// folder_open's, and its own; ERR_PEER_CLOSED: the server has died each time.
__must_check error_t steady_ask(struct steady_folder *steady, handle_t connector, const char *uri,
                                steady_fn *what, void *context);
// Closes it; it can be asked again.
void steady_close(struct steady_folder *steady);
