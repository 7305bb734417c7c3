// SPDX-License-Identifier: MIT
//
// SBI chapter 6: the timer extension.
#include "kernel/arch/riscv64/hv/sbi.h"

static enum hv_next handle_time(struct vcpu *vcpu, struct guest_sbi_call *call,
                                struct vcpu_exit *exit)
{
	(void)exit;
	if (call->function != 0) {
		call->error = SBI_ERR_NOT_SUPPORTED;
		return HV_REENTER;
	}
	hv_timer_set(vcpu, call->arg[0]);
	return HV_REENTER;
}

const struct guest_sbi_extension sbi_ext_time = { .first = 0x54494d45,
	                                          .last = 0x54494d45,
	                                          .handle = handle_time };
