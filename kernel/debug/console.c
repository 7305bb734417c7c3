// SPDX-License-Identifier: MIT
#include "kernel/debug/console.h"

#include "kernel/arch/riscv64/sbi.h"

#define UART_THR 0
#define UART_LSR 5
#define UART_LSR_THR_EMPTY 0x20u

static uintptr_t uart;
static uint32_t shift;
static uint32_t width;
static enum { FIRMWARE_NONE, FIRMWARE_DBCN, FIRMWARE_PUTCHAR } firmware;

void console_init(uintptr_t base, uint32_t reg_shift, uint32_t io_width)
{
	shift = reg_shift;
	width = io_width;
	uart = base;
}

void console_init_firmware(void)
{
	if (sbi_has(SBI_EXT_DBCN))
		firmware = FIRMWARE_DBCN;
	else if (sbi_has(SBI_EXT_PUTCHAR))
		firmware = FIRMWARE_PUTCHAR;
}

uintptr_t console_stop(void)
{
	uintptr_t base = uart;

	uart = 0;
	return base;
}

void console_resume(uintptr_t base)
{
	uart = base;
}

static uint32_t reg_read(unsigned index)
{
	uintptr_t address = uart + ((uintptr_t)index << shift);

	switch (width) {
	case 4: return *(volatile uint32_t *)address;
	case 2: return *(volatile uint16_t *)address;
	default: return *(volatile uint8_t *)address;
	}
}

static void reg_write(unsigned index, uint8_t value)
{
	uintptr_t address = uart + ((uintptr_t)index << shift);

	switch (width) {
	case 4: *(volatile uint32_t *)address = value; break;
	case 2: *(volatile uint16_t *)address = value; break;
	default: *(volatile uint8_t *)address = value;
	}
}

static void put(char c)
{
	if (firmware != FIRMWARE_NONE) {
		sbi_put_byte(firmware == FIRMWARE_DBCN, (uint8_t)c);
		return;
	}
	while ((reg_read(UART_LSR) & UART_LSR_THR_EMPTY) == 0)
		;
	reg_write(UART_THR, (uint8_t)c);
}

void console_write(const char *bytes, size_t len)
{
	if (uart == 0 && firmware == FIRMWARE_NONE)
		return;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			put('\r');
		put(bytes[i]);
	}
}
