// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "kernel/mm/page.h"

// arch_instret() when the firmware had handed over: what came before is not ours.
extern uint64_t boot_instret;

// Called by boot/entry.S on the boot hart, in the upper half, with the early page table, interrupts
// off. `boot_hart` is its firmware id, `fdt` the device tree.
_Noreturn void kmain(uint64_t boot_hart, paddr_t fdt);
// Called on every other hart, with the kernel's page table, on its own stack; `argument`
// is for smp_hart_index().
_Noreturn void hart_main(uint64_t argument);
