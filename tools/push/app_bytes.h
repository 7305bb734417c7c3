// SPDX-License-Identifier: MIT
//
// Reads an app file on the host.
#pragma once

#include <stddef.h>

#include "libs/abi/app.h"
#include "tools/common/error.h"

struct app_bytes {
	char name[APP_NAME_MAX];
	char *bytes;  // the caller's to free
	size_t size;
};

// Reads the app file `path` and checks that it is one. Returns -1 with `err`, and no bytes.
int app_bytes_read(struct app_bytes *app, const char *path, struct error *err);
