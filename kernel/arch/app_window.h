// SPDX-License-Identifier: MIT
#pragma once

// What a call reaches in its caller's memory through a window (kernel/arch/riscv64/user_access.h):
// a message, and what is written beside it.
enum app_window { WINDOW_MESSAGE, WINDOW_EVENT };
