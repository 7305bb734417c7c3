// SPDX-License-Identifier: MIT
//
// One of three that make random calls: apps/syscall_fuzz starts and ends them.
#include "libs/call_fuzz/caller.h"

APP(fuzz_caller_b, .main = call_fuzz_main, .memory_limit = 24ul * 1024 * 1024, .handle_limit = 3000,
    .provides = { "fuzz_b" }, .needs = { FUZZ_CALLER_NEEDS, { NEED_SERVICE, "fuzz_a", NULL, 0 } });
