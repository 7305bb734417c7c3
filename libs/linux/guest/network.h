// SPDX-License-Identifier: MIT
#pragma once

// Brings the loopback interface up, as every container runtime does. A failure is not worth stopping for.
void network_loopback_up(void);
