// SPDX-License-Identifier: MIT
//
// SBI chapter 10: system reset. The VMM ends or restarts the machine.
#include "kernel/arch/riscv64/hv/sbi.h"

enum {
	RESET_SHUTDOWN,
	RESET_COLD_REBOOT,
	RESET_WARM_REBOOT,
};

#define REASON_SYSTEM_FAILURE 1

static enum hv_next handle_srst(struct vcpu *vcpu, struct guest_sbi_call *call,
                                struct vcpu_exit *exit)
{
	// Both are 32 bits wide: the upper halves of the registers mean nothing.
	uint32_t type = (uint32_t)call->arg[0];
	uint32_t reason = (uint32_t)call->arg[1];

	(void)vcpu;
	if (call->function != 0) {
		call->error = SBI_ERR_NOT_SUPPORTED;
		return HV_REENTER;
	}
	if (type > RESET_WARM_REBOOT || reason > REASON_SYSTEM_FAILURE) {
		call->error = SBI_ERR_INVALID_PARAM;
		return HV_REENTER;
	}
	exit->reason = type == RESET_SHUTDOWN ? VCPU_EXIT_SHUTDOWN : VCPU_EXIT_REBOOT;
	exit->code = reason;
	return HV_RETURN;
}

const struct guest_sbi_extension sbi_ext_srst = { .first = 0x53525354,
	                                          .last = 0x53525354,
	                                          .handle = handle_srst };
