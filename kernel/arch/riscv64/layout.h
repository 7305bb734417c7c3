// SPDX-License-Identifier: MIT
//
// The symbols of boot/kernel.ld. Only their addresses mean anything.
#pragma once

#include <stdint.h>

#include "kernel/arch/riscv64/mmu.h"

extern uint8_t __kernel_start[], __kernel_end[];
extern uint8_t __text_start[], __text_end[], __kernel_text_end[];
extern uint8_t __rodata_start[], __rodata_end[];
extern uint8_t __data_start[], __bss_end[];
extern uint8_t __apps_text_start[], __apps_text_end[];
extern uint8_t __apps_rodata_start[], __apps_rodata_end[];
extern uint8_t __apps_data_start[], __apps_data_end[];
extern uint8_t __boot_stack_guard[], __boot_stack_bottom[], __boot_stack_top[];
extern uint8_t __fixup_start[], __fixup_end[];

// Virtual less physical address of the image, which runs where the firmware put it; written by
// boot/entry.S.
extern uint64_t boot_image_offset;

// The physical address of something in the kernel image.
static inline paddr_t image_paddr(const void *virt)
{
	return (paddr_t)(uintptr_t)virt - boot_image_offset;
}
