// SPDX-License-Identifier: MIT
//
// Time from the `time` counter (Zicntr), deadlines by stimecmp (Sstc) or the firmware.
#include "kernel/arch/riscv64/clock.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/startup/device_tree.h"

// Fixed point, so that neither direction needs a division: nanoseconds a tick (32.32) and ticks a nanosecond (0.64).
static uint64_t ns_per_tick;
static uint64_t ticks_per_ns;

void clock_init(void)
{
	uint64_t frequency = machine.timebase_frequency;

	ns_per_tick = (uint64_t)((NSEC_PER_SEC << 32) / frequency);
	// Clocks of 1 GHz and more saturate: deadlines are then early, never late.
	ticks_per_ns = frequency >= NSEC_PER_SEC ? UINT64_MAX
	                                         : UINT64_MAX / NSEC_PER_SEC * frequency +
	                                                   UINT64_MAX % NSEC_PER_SEC * frequency / NSEC_PER_SEC;
}

nsec_t clock_of_ticks(uint64_t ticks)
{
	return (nsec_t)((unsigned __int128)ticks * ns_per_tick >> 32);
}

uint64_t clock_ticks_of(nsec_t when)
{
	uint64_t ticks;

	if (when == NSEC_NEVER)
		return UINT64_MAX;
	ticks = (uint64_t)((unsigned __int128)when * ticks_per_ns >> 64);
	// Rounding went down: step up until the clock then reads at least `when`.
	while (clock_of_ticks(ticks) < when)
		ticks++;
	return ticks;
}

nsec_t arch_clock_now(void)
{
	return clock_of_ticks(csr_read(time));
}

void arch_timer_set(nsec_t deadline)
{
	uint64_t ticks = clock_ticks_of(deadline);

	if (machine.has_sstc)
		csr_write(0x14d, ticks);  // stimecmp, by number: older assemblers do not know it
	else
		sbi_set_timer(ticks);
}

bool arch_has_sstc(void)
{
	return machine.has_sstc;
}

bool arch_has_hypervisor(void)
{
	return machine.has_hypervisor;
}

uint64_t arch_instret(void)
{
	return csr_read(instret);
}
