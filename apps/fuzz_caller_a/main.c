// SPDX-License-Identifier: MIT
//
// One of three that make random calls: apps/syscall_fuzz starts and ends them.
#include "libs/call_fuzz/caller.h"

APP(fuzz_caller_a, .main = call_fuzz_main, .memory_limit = 24ul * 1024 * 1024, .handle_limit = 300,
    .provides = { "fuzz_a" },
    .needs = { FUZZ_CALLER_NEEDS, { NEED_DEVICE, "google,goldfish-rtc", NULL, 1 } });
