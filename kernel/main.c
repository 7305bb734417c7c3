// SPDX-License-Identifier: MIT
//
// The order of initialisation, and nothing else.
#include "kernel/main.h"

#include "kernel/arch/riscv64/clock.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/irq_chip.h"
#include "kernel/arch/riscv64/layout.h"
#include "kernel/arch/riscv64/power.h"
#include "kernel/arch/riscv64/smp.h"
#include "kernel/arch/riscv64/trap.h"
#include "kernel/debug/log.h"
#include "kernel/mm/page.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/sched/work.h"
#include "kernel/startup/app_image.h"
#include "kernel/startup/boot_args_check.h"
#include "kernel/startup/console_map.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/devices.h"
#include "kernel/startup/kernel_args.h"
#include "kernel/startup/random.h"
#include "kernel/startup/services.h"

uint64_t boot_instret;

_Noreturn void kmain(uint64_t boot_hart, paddr_t fdt)
{
	struct hart *hart = &harts[0];

	boot_instret = arch_instret();
	// On the early page table: the direct map reaches everything, device registers too.
	trap_init_hart(hart);
	device_tree_init_early(fdt);
	kinfo("Booting Starina...");
	device_tree_init(boot_hart);
	clock_init();
	hv_probe_hart(hart);
	random_init();

	// The final address space.
	mmu_init();
	console_map();
	power_init();
	irq_chip_init();
	app_image_save_pristine();

	// Threads.
	timer_init();
	sched_init_hart(hart);
	arch_thread_adopt(hart, hart->idle, (uintptr_t)__boot_stack_bottom,
	                  (uintptr_t)__boot_stack_top);
	smp_start();
	kinfo("%u harts, %llu MiB free, %s, timer by %s", num_harts,
	      (unsigned long long)(page_free_count() * PAGE_SIZE >> 20),
	      arch_has_hypervisor() ? "hypervisor extension"
	                            : "no hypervisor extension: everything but VMs works",
	      arch_hart_features() & HART_SSTC ? "Sstc" : "SBI");
	kernel_args_apply();
	work_start();
	boot_args_check(boot_args_all(), app_images, num_app_images);
	services_start();
	sched_idle();
}

_Noreturn void hart_main(uint64_t argument)
{
	struct hart *hart = &harts[smp_hart_index(argument)];

	trap_init_hart(hart);
	irq_chip_init_hart(hart);
	hv_probe_hart(hart);
	sched_init_hart(hart);
	arch_thread_adopt(hart, hart->idle, hart->arch.boot_stack_top - KERNEL_STACK_SIZE,
	                  hart->arch.boot_stack_top);
	sched_idle();
}
