// SPDX-License-Identifier: MIT
//
// Fields of a body that have a form of their own. Each function reads the value that comes next, in
// place of what was read of the field before. Errors: ERR_INVALID with a text for people,
// ERR_NO_MEMORY; what is not JSON of that form is told by the reader's status as well.
#pragma once

#include "apps/containers/settings.h"
#include "libs/base/string.h"
#include "libs/json/json.h"

typedef error_t settings_take_fn(struct settings *settings, struct json_reader *r,
                                 char error[static SETTINGS_ERROR_MAX]);

// ExposedPorts, and HostConfig.PortBindings.
settings_take_fn settings_take_exposed, settings_take_ports;
// HostConfig.StorageOpt.
settings_take_fn settings_take_storage;
// HostConfig.Binds, .Mounts and .Tmpfs, which go together, and Volumes.
settings_take_fn settings_take_binds, settings_take_mounts, settings_take_tmpfs;
settings_take_fn settings_take_volumes;

// HostConfig.Ulimits and .Devices.
settings_take_fn settings_take_ulimits, settings_take_devices;

// Whether a key is a field's: dockerd takes members in any case, and clients rely on it.
static inline bool field_is(struct span key, const char *name)
{
	return span_equals_nocase(key, name);
}
