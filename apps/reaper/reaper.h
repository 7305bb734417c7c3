// SPDX-License-Identifier: MIT
#pragma once

#include "libs/abi/apps.h"
#include "libs/abi/error.h"
#include "libs/abi/handle.h"

struct environ;

// Kills the process of this name. Errors: as system_find_process's (ERR_NOT_FOUND) and
// process_kill's (ERR_BAD_STATE: it is ending already).
error_t reaper_kill(handle_t system, const char *name);

// Ends the instance of this name that the app manager has started. Blocks. Errors: ERR_TIMED_OUT,
// those of "apps" (libs/abi/apps.h: ERR_NOT_FOUND).
error_t instance_kill(handle_t connector, const char *name);
// Calls `each` for all that the app manager has. Blocks. Errors: ERR_TIMED_OUT, those of "apps".
error_t instances_look(handle_t connector,
                       void (*each)(void *context, const struct apps_entry *entry), void *context);

// Takes orders over HTTP, at a port of the host that is logged, and does not return:
//   POST /kill/NAME?after=N&number=K
//                             202 at once; the process is killed when the machine has switched
//                             threads N times more. K: the orders before it; one that waits, or
//                             was carried out, is not carried out again
//   GET /kills                {"kills":K,"failed":F}: orders carried out, and that found nobody
//   GET /processes/NAME       {"memory":BYTES,"kernel_memory":BYTES,"handles":H}, or 404
//   GET /instances            {"NAME":BYTES of memory,...} of what the app manager runs
void orders_serve(const struct environ *env);
