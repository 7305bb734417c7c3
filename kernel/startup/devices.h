// SPDX-License-Identifier: MIT
//
// The devices that the device tree walk found and that apps may be given. Devicetree Specification
// v0.4.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/riscv64/machine.h"

struct process;

#define DEVICE_MAX_COMPATIBLE 4
#define MAX_DEVICES 64

struct device {
	// NUL-terminated. A virtio-mmio slot with a device in it has "virtio,deviceN" first (N: its
	// virtio device id, lowercase hex); an empty slot is not listed.
	char compatible[DEVICE_MAX_COMPATIBLE][40];
	uint32_t num_compatible;
	paddr_t reg_base;
	uint64_t reg_size;
	uint32_t irq;         // line of the interrupt controller; 0 when it has none
	uint8_t irq_trigger;  // DEVICE_IRQ_*
	bool claimed;         // an app has it
	bool is_console;      // the log is written to it

	// kernel/startup/device_quiesce.h
	struct process *user;  // which process has it; no reference
	uintptr_t regs;        // where the kernel has mapped its registers; 0: not at all
};

extern struct device devices[MAX_DEVICES];
extern size_t num_devices;

// All boot arguments, as /chosen/bootargs has them. Never NULL.
const char *boot_args_all(void);
// The boot argument `APP.NAME=VALUE` of /chosen/bootargs: copies VALUE out. Returns false when
// there is none.
bool boot_arg_find(const char *app, const char *name, char *value, size_t size);
