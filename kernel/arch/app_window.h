// SPDX-License-Identifier: MIT
#pragma once

// What a call reaches in its caller's memory through a window (kernel/arch/riscv64/user_access.h):
// a message, what is written beside it, and what is small of other calls.
enum app_window { WINDOW_MESSAGE, WINDOW_EVENT, WINDOW_OTHER };
#define NUM_APP_WINDOWS 3u
