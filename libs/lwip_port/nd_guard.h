// SPDX-License-Identifier: MIT
//
// A look at IPv6 neighbour discovery before lwIP sees it (RFC 4861).
#pragma once

#include <stdbool.h>

// From now on, messages of neighbour discovery whose options have no length, or do not fit, are
// dropped, as sections 6.1, 7.1 and 8.1 ask for: lwIP would read link-layer addresses behind them.
// After lwip_init. Returns false without memory.
bool nd_guard_start(void);
