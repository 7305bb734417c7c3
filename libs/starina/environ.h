// SPDX-License-Identifier: MIT
//
// Reading the environment that the service table made for this app. Asking for what the app's spec
// does not declare is a broken invariant of the app: it ends it, with a line that says what to add.
#pragma once

#include <stdbool.h>

#include "libs/abi/app.h"
#include "libs/abi/error.h"

// The connector of a needed service, the handle of a provided one, the system handle. HANDLE_NONE
// for an optional need that is not met.
handle_t environ_connector(const struct environ *env, const char *service);
handle_t environ_service(const struct environ *env, const char *service);
handle_t environ_system(const struct environ *env);
handle_t environ_launcher(const struct environ *env);
// The app's look at the system (NEED_LOOK).
handle_t environ_look(const struct environ *env);
// The folio of kept memory, in which is what the last instance of the app wrote (NEED_KEPT).
// HANDLE_NONE for an optional need that is not met.
handle_t environ_kept(const struct environ *env, const char *name);
// The `index`th handle that who had the app started gave to it (libs/abi/apps.h); HANDLE_NONE past
// the last.
handle_t environ_given(const struct environ *env, size_t index);
// The script that a runtime is to run, read-only, of `*size` bytes; NULL: there is none.
const void *environ_script(const struct environ *env, size_t *size);
// The value of a configuration need; NULL for an optional one that is not set.
const char *environ_config(const struct environ *env, const char *name);
// As a number (decimal, or 0x...; with a suffix K, M or G). Errors: ERR_NOT_FOUND, ERR_INVALID.
__must_check error_t environ_config_u64(const struct environ *env, const char *name, uint64_t *out);
// Whether the app's spec has this need, met or not; for libraries that do with what an app has.
bool environ_declares(const struct environ *env, enum env_kind kind, const char *name);
// The `index`th device that matches `compatible`; NULL past the last.
const struct env_entry *environ_device(const struct environ *env, const char *compatible,
                                       size_t index);
