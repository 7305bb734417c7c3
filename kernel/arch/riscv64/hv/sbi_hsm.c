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

#define SUSPEND_RETENTIVE 0u
#define SUSPEND_NON_RETENTIVE 0x80000000u

// Whether a hart can begin at `pc`.
static bool is_entry(struct vcpu *vcpu, uint64_t pc)
{
	// The shortest instruction is two bytes long, and aligned to them.
	return pc % 2 == 0 && hvspace_is_mapped(vcpu->space, pc, 2, PROT_EXEC);
}

static int64_t start_hart(struct vcpu *target, uint64_t pc, uint64_t arg)
{
	bool can_begin = is_entry(target, pc);
	int64_t error = SBI_SUCCESS;

	spin_lock(&target->lock);
	if (target->hsm_state != VCPU_HSM_STOPPED) {
		error = SBI_ERR_ALREADY_AVAILABLE;
	} else if (!can_begin) {
		error = SBI_ERR_INVALID_ADDRESS;
	} else {
		target->start_pc = pc;
		target->start_arg = arg;
		target->hsm_state = VCPU_HSM_START_PENDING;
	}
	spin_unlock(&target->lock);
	if (error == SBI_SUCCESS)
		vcpu_request(target, VCPU_REQ_RESUME);
	return error;
}

// start and get_status: what names another hart.
static void handle_other(struct vcpu *vcpu, struct guest_sbi_call *call)
{
	struct vcpu *target = call->arg[0] < HVSPACE_MAX_VCPUS
		? hvspace_get_vcpu(vcpu->space, (uint32_t)call->arg[0])
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

static void set_own_state(struct vcpu *vcpu, enum vcpu_hsm_state state)
{
	spin_lock(&vcpu->lock);
	vcpu->hsm_state = state;
	spin_unlock(&vcpu->lock);
}

// Of the types, only the two that a platform has by default are there. The run loop sees the state
// before it enters again.
static void suspend(struct vcpu *vcpu, struct guest_sbi_call *call)
{
	uint32_t type = (uint32_t)call->arg[0];

	if (type != SUSPEND_RETENTIVE && type != SUSPEND_NON_RETENTIVE) {
		call->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	if (type == SUSPEND_NON_RETENTIVE && !is_entry(vcpu, call->arg[1])) {
		call->error = SBI_ERR_INVALID_ADDRESS;
		return;
	}
	vcpu->resumes_afresh = type == SUSPEND_NON_RETENTIVE;
	vcpu->start_pc = call->arg[1];
	vcpu->start_arg = call->arg[2];
	set_own_state(vcpu, VCPU_HSM_SUSPENDED);
}

static enum hv_next handle_hsm(struct vcpu *vcpu, struct guest_sbi_call *call,
                               struct vcpu_exit *exit)
{
	(void)exit;
	switch (call->function) {
	case HSM_START:
	case HSM_GET_STATUS: handle_other(vcpu, call); return HV_REENTER;
	case HSM_STOP:
		set_own_state(vcpu, VCPU_HSM_STOPPED);
		// The run loop sees it before it enters again.
		return HV_REENTER;
	case HSM_SUSPEND: suspend(vcpu, call); return HV_REENTER;
	default: call->error = SBI_ERR_NOT_SUPPORTED; return HV_REENTER;
	}
}

const struct guest_sbi_extension sbi_ext_hsm = { .first = 0x48534d,
	                                         .last = 0x48534d,
	                                         .handle = handle_hsm };
