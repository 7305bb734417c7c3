// SPDX-License-Identifier: MIT
//
// What is read of the machine's UART, an ns16550a with registers of one byte side by side (National
// Semiconductor PC16550D data sheet). The kernel writes to it, by polling: its log, and what we put
// beside it (console_put).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define UART_COMPATIBLE "ns16550a"
#define UART_REGS_SIZE 8u

// Has it interrupt for each byte that comes.
void uart_start(volatile uint8_t *regs);
// Takes a byte that has come. Returns false when there is none.
bool uart_take(volatile uint8_t *regs, uint8_t *byte);
