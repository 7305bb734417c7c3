// SPDX-License-Identifier: MIT
// What others change in the shares while the container runs: Linux is made to see it and to raise
// its events (libs/abi/files_change.h).
#pragma once

// Starts a process that does so, and keeps the device's root, until the guest ends. `shares` is a
// mount of that root with all shares below it, not attached anywhere, and is consumed; -1: there is
// none.
void touch_begin(int shares);
// The container has ended: lets the device's root go, so that Linux takes leave of it, unless the
// process waits for changes.
void touch_end(void);
