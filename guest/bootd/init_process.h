// SPDX-License-Identifier: MIT
// `docker run --init`: a process between bootd and the container's own, which is then no longer the
// first of its PID namespace: signals that it does not handle end it, and others' orphans are not
// its children.
#pragma once

// Forks, and returns in the child, which is to become the container's process. The parent keeps no
// descriptor, passes signals on, waits for orphans, and ends as the child does.
void init_process_begin(void);
