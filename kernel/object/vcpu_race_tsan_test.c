// SPDX-License-Identifier: MIT
//
// The same test, under ThreadSanitizer.
#include "kernel/object/vcpu_race_test.c"  // NOLINT(bugprone-suspicious-include)
