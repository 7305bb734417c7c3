// SPDX-License-Identifier: MIT
//
// Parts of the fields of a body that say what is mounted.
#pragma once

#include "apps/containers/settings.h"

// The options of a bind or a volume, as "ro,nocopy". Errors: ERR_INVALID, with a text for people.
__must_check error_t settings_read_mode(struct mount *mount, const char *mode,
                                        char error[static SETTINGS_ERROR_MAX]);
// Checks what a mount was said to be, makes its target clean and appends it; its strings are gone
// then, on errors too. Errors: ERR_INVALID, with a text for people, and ERR_NO_MEMORY.
__must_check error_t settings_add_mount(struct settings *settings, struct mount *mount,
                                        char error[static SETTINGS_ERROR_MAX]);
