// SPDX-License-Identifier: MIT
//
// SBI chapter 5: the legacy calls, an extension id each.
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/sbi.h"

enum {
	LEGACY_SET_TIMER,
	LEGACY_PUTCHAR,
	LEGACY_GETCHAR,
	LEGACY_CLEAR_IPI,
	LEGACY_SEND_IPI,
	LEGACY_FENCE_I,
	LEGACY_SFENCE_VMA,
	LEGACY_SFENCE_VMA_ASID,
	LEGACY_SHUTDOWN,
	LEGACY_LAST = LEGACY_SHUTDOWN,
};

// The mask of the calls that have one is named by a guest-virtual address. That of the fences is
// not read: a fence of all harts is always enough.
static enum hv_next handle_legacy(struct vcpu *vcpu, struct guest_sbi_call *call,
                                  struct vcpu_exit *exit)
{
	switch (call->extension) {
	case LEGACY_SET_TIMER: hv_timer_set(vcpu, call->arg[0]); return HV_REENTER;
	case LEGACY_PUTCHAR:
		exit->reason = VCPU_EXIT_CONSOLE;
		exit->console.len = 1;
		exit->console.data[0] = (uint8_t)call->arg[0];
		return HV_RETURN;
	case LEGACY_GETCHAR: call->error = -1; return HV_REENTER;
	case LEGACY_CLEAR_IPI:
		call->error = (hcsr_read(CSR_HVIP) & HVIP_VSSIP) != 0 ? 1 : 0;
		hcsr_clear(CSR_HVIP, HVIP_VSSIP);
		return HV_REENTER;
	case LEGACY_SEND_IPI:
		call->error = sbi_send_ipis_legacy(vcpu, call->arg[0]);
		return HV_REENTER;
	case LEGACY_SHUTDOWN:
		exit->reason = VCPU_EXIT_SHUTDOWN;
		exit->code = 0;
		return HV_RETURN;
	default: call->error = sbi_fence_harts(vcpu, 0, UINT64_MAX); return HV_REENTER;
	}
}

const struct guest_sbi_extension sbi_ext_legacy = { .first = LEGACY_SET_TIMER,
	                                            .last = LEGACY_LAST,
	                                            .handle = handle_legacy,
	                                            .legacy = true };
