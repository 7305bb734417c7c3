// SPDX-License-Identifier: MIT
// Requests about the container as a whole, while it runs: figures, processes, pause, limits.
#pragma once

#include "guest/bootd/control_out.h"

// Answers STATS, FREEZE, TOP or LIMIT, whose body has its right length.
void control_query(struct control_out *out, const struct control_header *request,
                   const uint8_t *body);
