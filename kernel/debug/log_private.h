// SPDX-License-Identifier: MIT
#pragma once

// For panic(): from now on lines are written without the log's lock, which the broken code may
// hold.
void log_stop_locking(void);
