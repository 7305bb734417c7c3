// SPDX-License-Identifier: MIT
//
// SBI chapter 7: interprocessor interrupts.
#include "kernel/arch/riscv64/hv/sbi.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

static void interrupt_one(struct vcpu *target, void *arg)
{
	(void)arg;
	vcpu_request(target, VCPU_REQ_SOFT_IRQ);
}

int64_t sbi_send_ipis(struct vcpu *vcpu, uint64_t mask, uint64_t base)
{
	return sbi_for_each_hart(vcpu, mask, base, interrupt_one, NULL);
}

_Static_assert(HVSPACE_MAX_VCPUS <= 64, "a mask of more than one word");

int64_t sbi_send_ipis_legacy(struct vcpu *vcpu, uint64_t mask_address)
{
	uint64_t mask;

	// Where no mask can be read, all are meant: one too many does less harm than none.
	if (mask_address % sizeof(mask) != 0 ||
	    !hv_load_double(mask_address, vcpu->context.hstatus, &mask))
		return sbi_send_ipis(vcpu, 0, UINT64_MAX);
	return sbi_send_ipis(vcpu, mask, 0);
}

static enum hv_next handle_ipi(struct vcpu *vcpu, struct guest_sbi_call *call,
                               struct vcpu_exit *exit)
{
	(void)exit;
	if (call->function != 0)
		call->error = SBI_ERR_NOT_SUPPORTED;
	else
		call->error = sbi_send_ipis(vcpu, call->arg[0], call->arg[1]);
	return HV_REENTER;
}

const struct guest_sbi_extension sbi_ext_ipi = { .first = 0x735049,
	                                         .last = 0x735049,
	                                         .handle = handle_ipi };
