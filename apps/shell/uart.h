// SPDX-License-Identifier: MIT
//
// The machine's UART, an ns16550a with registers of one byte side by side (National Semiconductor
// PC16550D data sheet). The kernel writes its log to the same one, by polling: what is read is ours
// alone, and a line of ours is written in one go.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_COMPATIBLE "ns16550a"
#define UART_REGS_SIZE 8u

// Has it interrupt for each byte that comes.
void uart_start(volatile uint8_t *regs);
// Takes a byte that has come. Returns false when there is none.
bool uart_take(volatile uint8_t *regs, uint8_t *byte);
// Writes bytes; "\n" becomes "\r\n". Waits while the UART is busy.
void uart_write(volatile uint8_t *regs, const char *bytes, size_t len);
