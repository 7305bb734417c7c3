// SPDX-License-Identifier: MIT
//
// The order of initialisation, and nothing else.
#include "kernel/main.h"

#include "kernel/arch/riscv64/mmu.h"
#include "kernel/debug/log.h"
#include "kernel/startup/device_tree.h"

_Noreturn void kmain(uint64_t boot_hart, paddr_t fdt)
{
	device_tree_init_early(fdt);
	kinfo("Booting Starina...");
	device_tree_init(boot_hart);
	mmu_init();
	for (;;) ;
}
