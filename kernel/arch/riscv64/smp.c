// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/smp.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/layout.h"
#include "kernel/arch/riscv64/registers.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/log.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

// What boot_secondary_entry reads, by physical address.
struct hart_start {
	uint64_t hart;  // firmware id + 1, by which a hart that went astray finds its entry; 0: unused
	uint64_t stack_top;
	uint64_t index;
	uint64_t satp;
};
_Static_assert(offsetof(struct hart_start, stack_top) == 8, "boot/entry.S");
_Static_assert(offsetof(struct hart_start, index) == 16, "boot/entry.S");
_Static_assert(offsetof(struct hart_start, satp) == 24, "boot/entry.S");
_Static_assert(sizeof(struct hart_start) == HART_START_SIZE, "boot/entry.S");
_Static_assert(MAX_HARTS == HART_START_COUNT, "boot/entry.S");

extern struct hart_start hart_starts[MAX_HARTS];
struct hart_start hart_starts[MAX_HARTS];

extern const uint8_t boot_secondary_entry[];

static bool start_hart(uint32_t index)
{
	struct hart_start *start = &hart_starts[index];
	uintptr_t top;
	long error;

	if (vmap_alloc_stack(KERNEL_STACK_SIZE, &top) != 0) {
		kerror("hart %u: no memory for its stack", harts[index].firmware_id);
		return false;
	}
	*start = (struct hart_start){
		.hart = harts[index].firmware_id + 1,
		.stack_top = top,
		.index = index,
		.satp = mmu_satp(),
	};
	harts[index].arch.boot_stack_top = top;
	// All that the hart reads before the call that starts it. Pairs with its first loads (boot/entry.S).
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	error = sbi_hart_start(harts[index].firmware_id, image_paddr(boot_secondary_entry), image_paddr(start));
	if (error != 0) {
		kerror("hart %u does not start: SBI error %ld", harts[index].firmware_id, error);
		vmap_free_stack(top, KERNEL_STACK_SIZE);
		return false;
	}
	return true;
}

void smp_start(void)
{
	uint32_t wanted = num_harts;

	// One after the other, so that `harts` has no gaps when one does not come.
	for (uint32_t i = 1; i < wanted; i++) {
		if (!start_hart(i)) {
			num_harts = i;
			kwarn("only %u of %u harts are used", i, wanted);
			return;
		}
	}
	for (uint32_t i = 1; i < num_harts; i++) {
		while (!__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
			;
	}
}

void arch_hart_kick(uint32_t hart_id)
{
	// What the kick is about before the kick, which is an access to a device. Pairs with the fence of trap_handle_pending().
	fence_io();
	sbi_send_ipi(harts[hart_id].firmware_id);
}
