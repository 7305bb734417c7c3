// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

// The Internet checksum's sum of `len` bytes (RFC 1071) in memory order, folded to 16 bits, not
// complemented. It may be stored as it is (complemented) with a 16-bit store of the machine's own
// order, whatever that is.
uint16_t checksum_sum(const void *data, size_t len);
