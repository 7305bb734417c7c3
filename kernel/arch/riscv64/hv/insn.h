// SPDX-License-Identifier: MIT
//
// Decodes the loads and stores that a guest makes to devices. RISC-V unprivileged specification,
// chapters RV32I, RV64I and "C".
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/error.h"

struct insn_access {
	bool is_store;
	bool is_signed;  // a load that sign-extends
	uint8_t width;   // 1, 2, 4 or 8 bytes
	uint8_t reg;     // where a load's result goes or a store's value comes from; 0 to 31
	uint8_t length;  // of the instruction: 2 or 4 bytes
	uint8_t base;    // the address is this register's value (0 for x0) plus offset
	int16_t offset;
};

// The length in bytes of the instruction whose first 16 bits are `low`.
static inline unsigned insn_length(uint16_t low)
{
	return (low & 3) == 3 ? 4 : 2;
}

// Decodes `insn` (a 16-bit one in the low half). Errors: ERR_NOT_SUPPORTED for anything but an
// integer load or store (atomics, floating point, cache operations, instructions longer than 32
// bits).
__must_check error_t insn_decode_access(uint32_t insn, struct insn_access *out);
// A load's register value from the `width` bytes in the low end of `data`.
uint64_t insn_extend(uint64_t data, unsigned width, bool is_signed);
