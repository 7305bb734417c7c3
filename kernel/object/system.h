// SPDX-License-Identifier: MIT
//
// The system: what its handle allows is decided by the spec of the app that gets it (NEED_SYSTEM).
#pragma once

#include "kernel/object/object.h"
#include "libs/abi/system.h"
#include "libs/abi/time.h"

// The one system object; it is never destroyed.
struct object *system_object(void);
void system_get_info(struct system_info *out);
// The first app's main is about to be entered; only the first call counts.
void system_note_first_app(void);

// CLOCK_WALL. Errors: ERR_NOT_READY before it was set.
__must_check error_t system_wall_clock(nsec_t *out);
void system_set_wall_clock(nsec_t wall);
