// SPDX-License-Identifier: MIT
#include "apps/shell/uart.h"

enum { UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_MCR = 4, UART_LSR = 5 };

#define IER_RECEIVED 0x01u
#define FCR_ENABLE 0x01u
#define MCR_OUT2 0x08u  // lets the interrupt out, where a board has wired it so
#define LSR_RECEIVED 0x01u

void uart_start(volatile uint8_t *regs)
{
	regs[UART_FCR] = FCR_ENABLE;
	regs[UART_MCR] |= MCR_OUT2;
	regs[UART_IER] = IER_RECEIVED;
}

bool uart_take(volatile uint8_t *regs, uint8_t *byte)
{
	if ((regs[UART_LSR] & LSR_RECEIVED) == 0)
		return false;
	*byte = regs[UART_DATA];
	return true;
}
