// SPDX-License-Identifier: MIT
//
// Reads the device tree (Devicetree Specification v0.4) into what kernel/arch/riscv64/machine.h
// has, and the devices of apps into kernel/startup/devices.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/riscv64/machine.h"

// Early: finds the console. Nothing but the early page table is needed. Panics when `fdt` is not a
// device tree.
void device_tree_init_early(paddr_t fdt);
// RAM into the page allocator, harts into `harts` (the boot hart first), devices into `devices`,
// everything else into `machine`. The seed is wiped in the tree. Panics when the tree lacks what
// nothing works without.
void device_tree_init(uint64_t boot_hart);
