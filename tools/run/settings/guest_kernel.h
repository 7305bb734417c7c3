// SPDX-License-Identifier: MIT
#pragma once

#include "tools/common/error.h"

// Checks that the file at `path` is a RISC-V Linux Image (Linux:
// Documentation/arch/riscv/boot-image-header.rst) that Starina's VMs can boot. -1 with `err`, which
// begins with the path.
int guest_kernel_check(const char *path, struct error *err);
