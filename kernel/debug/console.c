// SPDX-License-Identifier: MIT
#include "kernel/debug/console.h"

#include "kernel/mm/vmap.h"
#include "kernel/startup/device_tree.h"

#define UART_THR 0
#define UART_LSR 5
#define UART_LSR_THR_EMPTY 0x20

static uintptr_t uart;
static uint32_t shift;

void console_init(uintptr_t base, uint32_t reg_shift)
{
	shift = reg_shift;
	uart = base;
}

void console_map(void)
{
	uintptr_t virt;

	if (uart == 0)
		return;
	uart = 0;
	if (vmap_reserve(PAGE_SIZE, PAGE_SIZE, &virt) != 0 ||
	    vmap_map(virt, machine.uart & ~(PAGE_SIZE - 1), PAGE_SIZE, VMAP_READ | VMAP_WRITE | VMAP_DEVICE) != 0)
		return;  // nowhere to say it
	uart = virt + (machine.uart & (PAGE_SIZE - 1));
}

static volatile uint8_t *reg(unsigned index)
{
	return (volatile uint8_t *)(uart + ((uintptr_t)index << shift));
}

static void put(char c)
{
	while ((*reg(UART_LSR) & UART_LSR_THR_EMPTY) == 0)
		;
	*reg(UART_THR) = (uint8_t)c;
}

void console_write(const char *bytes, size_t len)
{
	if (uart == 0)
		return;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			put('\r');
		put(bytes[i]);
	}
}
