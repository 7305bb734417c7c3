// SPDX-License-Identifier: MIT
//
// The machine as the kernel found it: what the device tree says of it, but for the devices of apps.
// Filled in at boot by kernel/startup/device_tree.c, not written afterwards.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/paddr.h"

// How a line says that there is something to do, as the second cell of `interrupts` has it; 0: as
// the controller finds it.
#define DEVICE_IRQ_RISING 1
#define DEVICE_IRQ_FALLING 2
#define DEVICE_IRQ_HIGH 4
#define DEVICE_IRQ_LOW 8

// DEVICE_IRQ_* of the device at line `irq`; 0 when the device tree does not say. In
// kernel/startup/dt_devices.c.
uint8_t machine_irq_trigger(uint32_t irq);

#define MAX_RAM_RANGES 32

// RAM that the firmware does not keep for itself, page-aligned, in ascending order. It includes the
// kernel image and the tree.
struct ram_range {
	paddr_t start;
	paddr_t end;
};
extern struct ram_range ram_ranges[MAX_RAM_RANGES];
extern size_t num_ram_ranges;

// The interrupt controller that devices use. What it calls each hart is in the hart's `arch`.
enum irq_chip_kind {
	IRQ_CHIP_NONE,
	IRQ_CHIP_PLIC,
	IRQ_CHIP_APLIC,      // direct delivery
	IRQ_CHIP_APLIC_MSI,  // by the harts' IMSICs
};
struct machine_irq_chip {
	enum irq_chip_kind kind;
	paddr_t base;
	uint64_t size;
	uint32_t num_irqs;
	uint32_t num_ids;  // of each IMSIC
	uint32_t phandle;  // by which devices name it
	uint32_t cells;    // of an interrupt of a device
};

// The machine, apart from its devices for apps.
struct machine {
	uint64_t timebase_frequency;  // ticks of `time` a second
	bool has_sstc;                // on all harts
	bool has_hypervisor;
	bool has_ssaia;
	bool has_svpbmt;
	bool has_svvptc;     // or the boot argument kernel.emulator=qemu
	bool has_isa_list;   // all harts have `riscv,isa-extensions`
	bool has_slow_sum;   // HART_SLOW_SUM
	bool has_stateen;    // on any hart: its registers have to be set up
	bool prefer_sv48x4;  // boot argument kernel.gstage=sv48x4
	paddr_t uart;        // ns16550 registers; 0: none
	uint32_t uart_reg_shift;
	uint32_t uart_io_width;  // bytes of an access to a register: 1, 2 or 4
	struct machine_irq_chip irq_chip;
	paddr_t power;  // sifive_test; 0: none
	char bootargs[1024];
	uint8_t rng_seed[64];  // wiped by random_init
	size_t rng_seed_len;
};
extern struct machine machine;
