// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

#include "libs/abi/error.h"

// Copies between any addresses; faults become ERR_ADDRESS. arch_copy populates lazy ranges (no lock
// may be held), arch_probe does not (any lock may be held).
__must_check error_t arch_copy(void *dst, const void *src, size_t len);
__must_check error_t arch_probe(void *dst, const void *src, size_t len);
