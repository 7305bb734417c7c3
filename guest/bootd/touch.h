// SPDX-License-Identifier: MIT
// What others change in the shares while the container runs: Linux is made to see it and to raise
// its events (libs/abi/files_change.h).
#pragma once

// Starts a process that does so until the guest ends. `shares` is a mount of the file system
// device's root with all shares below it, not attached anywhere, and is consumed; -1: there is
// none.
void touch_begin(int shares);
