// SPDX-License-Identifier: MIT
// Limits of the guest as a whole that Linux derives from its memory.
#pragma once

// Lifts those whose use is charged to a container's control group: its memory is the only limit
// then, as on a host of Docker's, which has too much of it for a container to meet them. What the
// kernel lacks is passed over. Needs no mounted /proc.
void guest_limits_lift(void);
