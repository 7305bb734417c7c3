// SPDX-License-Identifier: MIT
//
// Time from the `time` counter (Zicntr), deadlines by stimecmp (Sstc) or the firmware.
#include "kernel/arch/riscv64/clock.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/arch/riscv64/machine.h"
#include "libs/abi/system.h"

void clock_init(void)
{
	ticks_init(machine.timebase_frequency);
}

nsec_t arch_clock_now(void)
{
	return clock_of_ticks(csr_read(time));
}

nsec_t arch_ticks_ns(uint64_t ticks)
{
	return clock_of_ticks(ticks);
}

void arch_timer_set(nsec_t deadline)
{
	uint64_t ticks = clock_ticks_of(deadline);

	if (machine.has_sstc)
		csr_write(0x14d, ticks);  // stimecmp, by number: older assemblers do not know it
	else
		sbi_set_timer(ticks);
}

uint32_t arch_hart_features(void)
{
	return (machine.has_sstc ? HART_SSTC : 0) | (machine.has_svvptc ? HART_SVVPTC : 0) |
		(machine.has_slow_sum ? HART_SLOW_SUM : 0);
}

uint64_t arch_timebase_hz(void)
{
	return machine.timebase_frequency;
}

bool arch_has_hypervisor(void)
{
	return machine.has_hypervisor;
}

uint64_t arch_instret(void)
{
	return csr_read(instret);
}
