// SPDX-License-Identifier: MIT
//
// The guest's timer. With Sstc the guest writes vstimecmp and the hardware raises VSTIP; without,
// SBI set_timer is kept here, the host's timer makes the guest leave at the deadline, and VSTIP is
// raised by hand. Either way a guest that waits sleeps until the deadline on the host's timer.
// RISC-V Sstc extension; SBI chapter "Timer Extension".
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/clock.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

// The interrupt that called this has made the guest leave; hv_timer_update does the rest before it
// goes on.
static void timer_fired(struct timer_node *node)
{
	container_of(node, struct vcpu, timer)->timer_armed = false;
}

void hv_timer_init(struct vcpu *vcpu)
{
	timer_node_init(&vcpu->timer, timer_fired);
}

void hv_timer_cancel(struct vcpu *vcpu)
{
	if (hv_has_sstc() || !vcpu->timer_armed)
		return;
	vcpu->timer_armed = false;
	timer_node_cancel(&vcpu->timer);
}

static uint64_t guest_time(const struct vcpu *vcpu)
{
	return hv_time() - vcpu->space->time_origin;
}

void hv_timer_set(struct vcpu *vcpu, uint64_t guest_ticks)
{
	if (hv_has_sstc()) {
		hcsr_write(CSR_VSTIMECMP, guest_ticks);
		return;
	}
	vcpu->context.vstimecmp = guest_ticks;
	hcsr_clear(CSR_HVIP, HVIP_VSTIP);
	hv_timer_cancel(vcpu);
	hv_timer_update(vcpu);
}

void hv_timer_update(struct vcpu *vcpu)
{
	if (hv_has_sstc() || vcpu->context.vstimecmp == UINT64_MAX)
		return;
	if (guest_time(vcpu) >= vcpu->context.vstimecmp) {
		vcpu->context.vstimecmp = UINT64_MAX;
		hcsr_set(CSR_HVIP, HVIP_VSTIP);
		hv_timer_cancel(vcpu);
	} else if (!vcpu->timer_armed) {
		vcpu->timer_armed = true;
		timer_node_arm(&vcpu->timer, hv_timer_deadline(vcpu));
	}
}

nsec_t hv_timer_deadline(const struct vcpu *vcpu)
{
	uint64_t deadline = vcpu->context.vstimecmp;
	uint64_t host_ticks;

	// A deadline far off (Linux: -1 for never) must not wrap around.
	if (__builtin_add_overflow(deadline, vcpu->space->time_origin, &host_ticks) ||
	    host_ticks >> 62 != 0)
		return NSEC_NEVER;
	// One tick late rather than early: an early one would go to sleep again.
	return clock_of_ticks(host_ticks + 1);
}
