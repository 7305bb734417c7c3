// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

// Lets more connections wait for the TCP port `port`, on which the process `pid` (a child of ours)
// listens: QEMU's user network listens with a backlog of 1, so that the host drops most of many
// simultaneous connections. Does what it can: where the system does not let us (Linux before 5.6, a
// sandbox), everything works but bursts of connections.
void backlog_widen(pid_t pid, unsigned port);
