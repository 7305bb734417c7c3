// SPDX-License-Identifier: MIT
#include "kernel/startup/console_map.h"

#include "kernel/arch/riscv64/machine.h"
#include "kernel/debug/console.h"
#include "kernel/mm/vmap.h"

void console_map(void)
{
	uintptr_t base = console_stop();
	uintptr_t virt;

	if (base == 0)
		return;
	if (vmap_reserve(PAGE_SIZE, PAGE_SIZE, &virt) != 0 ||
	    vmap_map(virt, machine.uart & ~(PAGE_SIZE - 1), PAGE_SIZE,
	             VMAP_READ | VMAP_WRITE | VMAP_DEVICE) != 0)
		return;  // nowhere to say it
	console_resume(virt + (base & (PAGE_SIZE - 1)));
}
