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

// How long a hart has to come once it was started. On a busy emulator a second may pass.
#define START_TIMEOUT (10 * NSEC_PER_SEC)

enum { START_WAITED_FOR, START_CAME, START_GIVEN_UP };

// What boot_secondary_entry reads, by physical address: one for each hart of the device tree.
struct hart_start {
	// Firmware id + 1, by which a hart that went astray finds its entry; 0: unused.
	uint64_t hart;
	uint64_t stack_top;
	uint64_t argument;  // for hart_main
	uint64_t satp;
	uint32_t index;  // that the hart is to have
	uint32_t state;  // START_*; atomic: either the hart comes or the boot hart gives up
};
_Static_assert(offsetof(struct hart_start, stack_top) == 8, "boot/entry.S");
_Static_assert(offsetof(struct hart_start, argument) == 16, "boot/entry.S");
_Static_assert(offsetof(struct hart_start, satp) == 24, "boot/entry.S");
_Static_assert(sizeof(struct hart_start) == HART_START_SIZE, "boot/entry.S");
_Static_assert(MAX_HARTS == HART_START_COUNT, "boot/entry.S");

extern struct hart_start hart_starts[MAX_HARTS];
struct hart_start hart_starts[MAX_HARTS];

extern const uint8_t boot_secondary_entry[];

static bool start_settle(struct hart_start *start, uint32_t state)
{
	uint32_t expected = START_WAITED_FOR;

	return __atomic_compare_exchange_n(&start->state, &expected, state, false, __ATOMIC_ACQ_REL,
	                                   __ATOMIC_ACQUIRE);
}

uint32_t smp_hart_index(uint64_t argument)
{
	struct hart_start *start = &hart_starts[argument];

	while (!start_settle(start, START_CAME))
		__asm__ volatile("wfi");
	return start->index;
}

// Waits until the hart is online. False when it does not come; it will not any more.
static bool wait_for_hart(struct hart_start *start)
{
	nsec_t deadline = arch_clock_now() + START_TIMEOUT;

	while (!__atomic_load_n(&harts[start->index].online, __ATOMIC_ACQUIRE)) {
		if (arch_clock_now() >= deadline && start_settle(start, START_GIVEN_UP))
			return false;
	}
	return true;
}

// Starts harts[index], whose place among the harts to start is `place`.
static bool start_hart(uint32_t index, uint32_t place)
{
	struct hart_start *start = &hart_starts[place];
	uint32_t id = harts[index].firmware_id;
	uintptr_t top;
	long error;

	if (vmap_alloc_stack(KERNEL_STACK_SIZE, &top) != 0) {
		kerror("hart %u: no memory for its stack", id);
		return false;
	}
	*start = (struct hart_start){
		.hart = id + 1,
		.stack_top = top,
		.argument = place,
		.satp = mmu_satp(),
		.index = index,
	};
	harts[index].arch.boot_stack_top = top;
	// All that the hart reads before the call that starts it. Pairs with its first loads
	// (boot/entry.S).
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	error = sbi_hart_start(id, image_paddr(boot_secondary_entry), image_paddr(start));
	if (error != 0) {
		kerror("hart %u does not start: SBI error %ld", id, error);
		vmap_free_stack(top, KERNEL_STACK_SIZE);
		return false;
	}
	if (!wait_for_hart(start)) {
		// Its stack stays: the hart may yet wake up on it, to sleep again.
		kerror("hart %u was started and has not come within %llu s: it is not used", id,
		       START_TIMEOUT / NSEC_PER_SEC);
		return false;
	}
	return true;
}

// Whether the firmware can start, interrupt and fence other harts.
static bool can_use_others(void)
{
	return sbi_has(SBI_EXT_HSM) && sbi_has(SBI_EXT_IPI) && sbi_has(SBI_EXT_RFENCE);
}

void smp_start(void)
{
	uint32_t wanted = num_harts;
	uint32_t used = 1;

	if (wanted > 1 && !can_use_others()) {
		kerror("the firmware lacks SBI HSM, IPI or RFENCE: only the boot hart is used");
		wanted = 1;
	}
	// One after the other: the next hart takes the place of one that does not come, so that
	// `harts` has no gaps.
	for (uint32_t place = 1; place < wanted; place++) {
		harts[used].firmware_id = harts[place].firmware_id;
		harts[used].arch.irq_target = harts[place].arch.irq_target;
		harts[used].arch.has_irq_target = harts[place].arch.has_irq_target;
		if (start_hart(used, place))
			used++;
	}
	if (used < num_harts)
		kwarn("only %u of %u harts are used", used, num_harts);
	num_harts = used;
}

uint32_t arch_hart_index(void)
{
	const struct hart *self = arch_this_hart();

	return self != NULL ? self->id : 0;
}

void arch_kick_others(void)
{
	const struct hart *self = arch_this_hart();

	for (uint32_t i = 0; i < num_harts; i++) {
		if (&harts[i] != self && harts[i].online)
			arch_hart_kick(i);
	}
}

void arch_hart_kick(uint32_t hart_id)
{
	// What the kick is about before the kick, which is an access to a device. Pairs with the
	// fence of trap_handle_pending().
	fence_io();
	sbi_send_ipi(harts[hart_id].firmware_id);
}
