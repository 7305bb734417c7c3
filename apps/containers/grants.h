// SPDX-License-Identifier: MIT
//
// The service "grants" (libs/abi/vmm.h): a virtual machine's process, whose guest may have taken it
// over, opens what is its container's by the same URIs as at the providers themselves, and nothing
// else. Who asks the kernel says (channel_maker).
#pragma once

#include "libs/abi/error.h"

struct containers;

// Accepts the processes. Errors: as service_listen's.
__must_check error_t grants_listen(struct containers *all);
// It has become known who somebody is, or which images there are: what waits for that goes on.
void grants_advance(struct containers *all);
