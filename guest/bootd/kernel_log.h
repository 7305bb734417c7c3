// SPDX-License-Identifier: MIT
#pragma once

// Writes a line of bootd's to the kernel's log: `what`, and the errno `error` in words. `level` is
// LOG_EMERG (which always reaches the console) to LOG_DEBUG. What cannot be written is dropped.
void kernel_log(int level, const char *what, int error);
// From now on only who has CAP_SYSLOG reads the kernel's log, which no container has by default: it
// is bootd's and the machine's, as a host's is with docker.
void kernel_log_hide(void);
