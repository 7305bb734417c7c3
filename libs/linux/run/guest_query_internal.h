// SPDX-License-Identifier: MIT
// Between guest_query.c and guest_container's files.
#pragma once

#include "libs/linux/run/guest_container_internal.h"

// A reply; `*mine` says whether a query was waiting for it. Errors: ERR_PROTOCOL ends the VM.
__must_check error_t guest_query_reply(struct guest_container *c, uint32_t request, int32_t status,
                                       struct span rest, bool *mine);
// The container has ended: tells those who wait.
void guest_queries_end(struct guest_container *c);
