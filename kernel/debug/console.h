// SPDX-License-Identifier: MIT
//
// Where log lines go: an ns16550 UART, written by polling (National Semiconductor PC16550D data sheet).
#pragma once

#include <stddef.h>
#include <stdint.h>

// The registers are at `base` (a virtual address), each 1 << reg_shift bytes after the one before. Nothing is
// printed before the first call.
void console_init(uintptr_t base, uint32_t reg_shift);
// Writes bytes; "\n" becomes "\r\n".
void console_write(const char *bytes, size_t len);
// Moves from the early page table's direct map to a mapping of its own: right after mmu_init, nothing logs in between.
void console_map(void);
