// SPDX-License-Identifier: MIT
//
// A hart's incoming MSI controller: its supervisor-level interrupt file, reached by registers of
// the hart itself. RISC-V AIA specification 1.0, chapter 3.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// This hart's file: `takes` says whether all identities up to `num_ids` interrupt it, or none do.
void imsic_init_hart(bool takes, uint32_t num_ids);
// Takes the pending identity of highest priority; 0: none. Context: the hart that takes the lines.
uint32_t imsic_claim(void);
