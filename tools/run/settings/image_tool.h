// SPDX-License-Identifier: MIT
//
// starina-image (tools/image), which stands beside this program.
#pragma once

#include <limits.h>

#include "tools/common/error.h"

// Where it is. -1 with `err`.
int image_tool_find(char path[PATH_MAX], struct error *err);

// Runs it; it says itself what is wrong. Its line on stdout goes to `output` unless that is NULL.
// Blocks. -1 with `err`, which is empty when it has spoken.
int image_tool_run(const char *const argv[], char output[PATH_MAX], struct error *err);
