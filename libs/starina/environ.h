// SPDX-License-Identifier: MIT
//
// Reading the environment that the service table made for this app.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/error.h"

// The connector of a needed service, the handle of a provided one, the system handle. HANDLE_NONE when the
// environment lacks it (an optional need that was not met).
handle_t environ_connector(const struct environ *env, const char *service);
handle_t environ_service(const struct environ *env, const char *service);
handle_t environ_system(const struct environ *env);
// The value of a configuration need; NULL when it is not there.
const char *environ_config(const struct environ *env, const char *name);
// As a number (decimal, or 0x...; with a suffix K, M or G). Errors: ERR_NOT_FOUND, ERR_INVALID.
__must_check error_t environ_config_u64(const struct environ *env, const char *name, uint64_t *out);
// The `index`th device that matches `compatible`; NULL past the last.
const struct env_entry *environ_device(const struct environ *env, const char *compatible, size_t index);
