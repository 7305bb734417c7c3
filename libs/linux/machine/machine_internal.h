// SPDX-License-Identifier: MIT
//
// Between machine.c and vcpu_thread.c.
#pragma once

#include "libs/linux/machine/machine.h"

// Starts the thread that runs `vcpu`. Errors: thread_create's, loop_add's.
__must_check error_t vcpu_thread_start(struct machine_vcpu *vcpu);
// The machine ends for `reason`, if it has not already: all vCPUs are kicked. Under the machine's
// mutex.
void machine_end_locked(struct machine *machine, enum machine_end reason, error_t error);
