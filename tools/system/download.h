// SPDX-License-Identifier: MIT
//
// What an address leads to, as a stream: wget fetches it.
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"
#include "tools/image/tool.h"

#define DOWNLOAD_MAX_URL 2048

struct download {
	const char *url;
	int fd;  // the stream
	struct tool tool;
};

// Whether it is an address that can be fetched: http:// or https://.
bool download_is_possible(const char *url);
// Starts to fetch `url`, which must stay until the end. `scratch` is where temporary files go.
// -1 with `err`.
int download_begin(struct download *download, const char *url, const char *scratch,
                   struct error *err);
// Closes the stream and waits for the end of who fetches. -1 with `err`, in docker's words, when
// not all came, unless that was because nobody read on.
int download_end(struct download *download, struct error *err);
