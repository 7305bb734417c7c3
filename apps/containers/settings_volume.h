// SPDX-License-Identifier: MIT
//
// The options of the volume driver "local" (DriverOpts): what a volume is in place of a folder of
// the state disk.
#pragma once

#include "apps/containers/settings.h"

enum volume_kind {
	VOLUME_FOLDER = 0,
	VOLUME_BIND,   // a folder of the host: type=none,o=bind,device=/PATH
	VOLUME_TMPFS,  // memory of each container that has it: type=tmpfs
};

struct volume_backing {
	enum volume_kind kind;
	char *device;   // heap: of VOLUME_BIND
	char *options;  // heap: of VOLUME_TMPFS
	bool read_only;
};

// Reads options, an object of strings in JSON (NULL: none). Errors: ERR_INVALID, with a text for
// people, and ERR_NO_MEMORY; `out` is empty then.
__must_check error_t volume_backing_read(struct volume_backing *out, const char *options,
                                         char error[static SETTINGS_ERROR_MAX]);
// Whether a new volume may have these options: they can be read, and Linux will mount it.
// Errors: as above.
__must_check error_t volume_options_check(const char *options,
                                          char error[static SETTINGS_ERROR_MAX]);
// Frees it; it is a folder then.
void volume_backing_deinit(struct volume_backing *backing);
