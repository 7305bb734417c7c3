// SPDX-License-Identifier: MIT
//
// SBI chapter 8: remote fences. Address ranges and ASIDs are not looked at: a fence of everything
// is always enough.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/hv/sbi.h"
#include "kernel/object/vcpu.h"

enum {
	RFENCE_FENCE_I,
	RFENCE_SFENCE_VMA,
	RFENCE_SFENCE_VMA_ASID,
};

struct fence {
	const struct vcpu *caller;
	uint64_t in_guest;  // harts, by index
};

// Has the target leave the guest. It serves its request before it enters again.
static void fence_by_exit(struct vcpu *target, uint32_t hart)
{
	arch_hart_kick(hart);
	while (__atomic_load_n(&target->hart_id, __ATOMIC_SEQ_CST) == hart &&
	       (__atomic_load_n(&target->requests, __ATOMIC_SEQ_CST) & VCPU_REQ_FENCE) != 0)
		;
}

// A vCPU outside of the guest fences before it enters; one that is in it is fenced by the firmware,
// without an exit. The firmware fences the VMID of the caller, though: a vCPU that entered before
// the VMIDs began anew has another.
static void fence_one(struct vcpu *target, void *arg)
{
	struct fence *fence = arg;
	uint32_t hart;

	__atomic_fetch_or(&target->requests, VCPU_REQ_FENCE, __ATOMIC_SEQ_CST);
	hart = __atomic_load_n(&target->hart_id, __ATOMIC_SEQ_CST);
	if (hart == VCPU_NO_HART)
		return;
	if (__atomic_load_n(&target->vmid, __ATOMIC_SEQ_CST) == fence->caller->vmid)
		fence->in_guest |= 1ull << hart;
	else
		fence_by_exit(target, hart);
}

int64_t sbi_fence_harts(struct vcpu *vcpu, uint64_t mask, uint64_t base)
{
	struct fence fence = { .caller = vcpu };
	// This vCPU is one of those outside, and serves its own request before it goes on.
	int64_t error = sbi_for_each_hart(vcpu, mask, base, fence_one, &fence);

	if (fence.in_guest != 0)
		hv_fence_guest_remote(fence.in_guest);
	return error;
}

static enum hv_next handle_rfence(struct vcpu *vcpu, struct guest_sbi_call *call,
                                  struct vcpu_exit *exit)
{
	(void)exit;
	// The rest of the functions are for guests that are hypervisors themselves.
	if (call->function > RFENCE_SFENCE_VMA_ASID)
		call->error = SBI_ERR_NOT_SUPPORTED;
	else
		call->error = sbi_fence_harts(vcpu, call->arg[0], call->arg[1]);
	return HV_REENTER;
}

const struct guest_sbi_extension sbi_ext_rfence = { .first = 0x52464e43,
	                                            .last = 0x52464e43,
	                                            .handle = handle_rfence };
