// SPDX-License-Identifier: MIT
#pragma once

#include "apps/containers/settings.h"

// Whether the surroundings that are asked for can be had; what has no effect becomes a warning.
// Errors: ERR_INVALID with a text for people, ERR_NO_MEMORY.
__must_check error_t settings_check_host(struct settings *settings,
                                         char error[static SETTINGS_ERROR_MAX]);
// Whether dockerd takes its process and its mounts, of which those that were made before this was
// looked at may have others. Errors: ERR_INVALID with a text for people.
__must_check error_t settings_check_new(const struct settings *settings,
                                        char error[static SETTINGS_ERROR_MAX]);
// The same of limits of memory, CPUs and processes alone, without warnings. Errors: ERR_INVALID.
__must_check error_t settings_check_resources(const struct settings *settings,
                                              char error[static SETTINGS_ERROR_MAX]);
// 10^-9 CPUs that a container may use, by whichever of its settings; 0: what one has without.
int64_t settings_nano_cpus(const struct settings *settings);
// Whether a container that asks for so much has the capability: docker's default set, with what is
// added and without what is dropped; all, if it is privileged. `name` is one without CAP_.
bool settings_has_capability(const struct host_settings *host, const char *name, bool is_default);
