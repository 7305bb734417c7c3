// SPDX-License-Identifier: MIT
//
// Where log lines go: an ns16550 UART, written by polling (National Semiconductor PC16550D data
// sheet), or the firmware's console.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The registers are at `base` (a virtual address), each 1 << reg_shift bytes after the one before,
// and are accessed io_width bytes (1, 2 or 4) at a time. Nothing is printed before this or the next
// was called.
void console_init(uintptr_t base, uint32_t reg_shift, uint32_t io_width);
// The console of last resort: SBI's debug console (SBI 2.0, chapter 12), else its putchar (chapter
// 5), else nothing.
void console_init_firmware(void);
// Writes bytes; "\n" becomes "\r\n".
void console_write(const char *bytes, size_t len);
// Where the UART's registers are, and nothing is printed from here on; 0: there is no UART.
uintptr_t console_stop(void);
// They are at `base` now.
void console_resume(uintptr_t base);
