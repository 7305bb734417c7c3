// SPDX-License-Identifier: MIT
#include "kernel/arch/arch.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/arch/host/host.h"
#include "kernel/arch/host/host_private.h"
#include "kernel/debug/panic.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/timer.h"
#include "kernel/sched/sched.h"
#include "libs/abi/system.h"

static bool irq_enabled[INTERRUPT_MAX];
static bool irq_unmasked[INTERRUPT_MAX];
static bool has_hypervisor;

void host_init(void)
{
	host_harts_init();
	host_pending = NULL;
	has_hypervisor = false;
	memset(irq_enabled, 0, sizeof(irq_enabled));
	memset(irq_unmasked, 0, sizeof(irq_unmasked));
	host_memory_init();
	host_log_init();
	if (num_harts == 0) {
		num_harts = 1;
		timer_init();
		sched_init_hart(&harts[0]);
		host_user_mode_init();
		host_start_worker();
	}
}

void (*host_pending)(void);

void arch_take_interrupts(void)
{
	if (host_pending != NULL)
		host_pending();
}

// --- The rest ---

error_t arch_irq_enable(uint32_t irq)
{
	irq_enabled[irq] = true;
	irq_unmasked[irq] = true;
	return 0;
}

void arch_irq_unmask(uint32_t irq)
{
	irq_unmasked[irq] = true;
}

void arch_irq_disable(uint32_t irq)
{
	irq_enabled[irq] = false;
}

bool host_irq_enabled(uint32_t irq)
{
	return irq_enabled[irq];
}

bool host_irq_unmasked(uint32_t irq)
{
	return irq_unmasked[irq];
}

void arch_power_off(int code)
{
	exit(code);
}

void host_set_hypervisor(bool there)
{
	has_hypervisor = there;
}

bool arch_has_hypervisor(void)
{
	return has_hypervisor;
}

uint64_t arch_timebase_hz(void)
{
	return 10000000;
}

uint32_t arch_hart_features(void)
{
	return HART_SSTC;
}

uint64_t arch_instret(void)
{
	return 1;
}
