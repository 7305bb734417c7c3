// SPDX-License-Identifier: MIT
//
// SBI chapter 9: hart state management.
#include "kernel/arch/riscv64/hv/sbi.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

enum {
	HSM_START,
	HSM_STOP,
	HSM_GET_STATUS,
	HSM_SUSPEND,
};

#define SUSPEND_RETENTIVE 0ull

static int64_t start_hart(struct vcpu *target, uint64_t pc, uint64_t arg)
{
	int64_t error = SBI_SUCCESS;

	spin_lock(&target->lock);
	if (target->hsm_state == VCPU_HSM_STOPPED) {
		target->start_pc = pc;
		target->start_arg = arg;
		target->hsm_state = VCPU_HSM_START_PENDING;
	} else {
		error = SBI_ERR_ALREADY_AVAILABLE;
	}
	spin_unlock(&target->lock);
	if (error == SBI_SUCCESS)
		vcpu_request(target, VCPU_REQ_RESUME);
	return error;
}

// start and get_status: what names another hart.
static void handle_other(struct vcpu *vcpu, struct guest_sbi_call *call)
{
	struct vcpu *target = call->arg[0] < HVSPACE_MAX_VCPUS ? hvspace_get_vcpu(vcpu->space, (uint32_t)call->arg[0])
	                                                       : NULL;

	if (target == NULL) {
		call->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	if (call->function == HSM_START)
		call->error = start_hart(target, call->arg[1], call->arg[2]);
	else
		call->value = __atomic_load_n(&target->hsm_state, __ATOMIC_ACQUIRE);
	object_put(&target->object);
}

static enum hv_next handle_hsm(struct vcpu *vcpu, struct guest_sbi_call *call, struct vcpu_exit *exit)
{
	(void)exit;
	switch (call->function) {
	case HSM_START:
	case HSM_GET_STATUS:
		handle_other(vcpu, call);
		return HV_REENTER;
	case HSM_STOP:
		spin_lock(&vcpu->lock);
		vcpu->hsm_state = VCPU_HSM_STOPPED;
		spin_unlock(&vcpu->lock);
		// The run loop sees it before it enters again.
		return HV_REENTER;
	case HSM_SUSPEND:
		if (call->arg[0] == SUSPEND_RETENTIVE)
			return HV_WAIT;
		call->error = SBI_ERR_NOT_SUPPORTED;
		return HV_REENTER;
	default:
		call->error = SBI_ERR_NOT_SUPPORTED;
		return HV_REENTER;
	}
}

const struct guest_sbi_extension sbi_ext_hsm = {.first = 0x48534d, .last = 0x48534d, .handle = handle_hsm};
