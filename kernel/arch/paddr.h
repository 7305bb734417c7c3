// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "libs/abi/folio.h"

// A physical address. Pages have PAGE_SIZE bytes (libs/abi/folio.h).
typedef uint64_t paddr_t;
