// SPDX-License-Identifier: MIT
//
// The host's side of the web shell (libs/abi/web.h): the token of this boot, and where people and
// ./starina find it.
#pragma once

#include <limits.h>
#include <stdint.h>

#include "libs/abi/web.h"
#include "tools/common/error.h"

struct web {
	uint8_t token[WEB_TOKEN_SIZE];
	char url[128];  // of the page, with the token; "": there is none
	// Private.
	char path[PATH_MAX];  // of the file with the newest run's URL
};

// Makes a token, and writes the URL of port `port` of 127.0.0.1 to `web.addr` in `workdir` and in
// `folder`, for this user only. -1 with `err`. Released by web_close(), also then.
int web_open(struct web *web, const char *folder, const char *workdir, unsigned port,
             struct error *err);
// The newest run's file goes, unless a newer run has replaced it.
void web_close(struct web *web);
