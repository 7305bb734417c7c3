// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/sbi.h"

#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

// The most frequent first.
static const struct guest_sbi_extension *const extensions[] = {
	&sbi_ext_time, &sbi_ext_ipi,  &sbi_ext_rfence, &sbi_ext_dbcn,
	&sbi_ext_hsm,  &sbi_ext_srst, &sbi_ext_base,   &sbi_ext_legacy,
};

const struct guest_sbi_extension *sbi_find_extension(uint64_t id)
{
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		if (extensions[i]->first <= id && id <= extensions[i]->last)
			return extensions[i];
	}
	return NULL;
}

enum hv_next sbi_handle_call(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	struct vcpu_context *context = &vcpu->context;
	struct guest_sbi_call call = {
		.extension = context->x[17],
		.function = context->x[16],
		.arg = &context->x[10],
	};
	const struct guest_sbi_extension *ext = sbi_find_extension(call.extension);
	enum hv_next next = HV_REENTER;

	if (ext == &sbi_ext_time)
		vcpu->stats.sbi_time++;
	else
		vcpu->stats.sbi_other++;
	if (ext != NULL)
		next = ext->handle(vcpu, &call, exit);
	else
		call.error = SBI_ERR_NOT_SUPPORTED;
	context->pc += 4;
	context->x[10] = (uint64_t)call.error;
	if (ext == NULL || !ext->legacy)
		context->x[11] = call.value;
	return next;
}

int64_t sbi_for_each_hart(struct vcpu *vcpu, uint64_t mask, uint64_t base,
                          void (*fn)(struct vcpu *target, void *arg), void *arg)
{
	bool all = base == UINT64_MAX;
	struct vcpu *targets[HVSPACE_MAX_VCPUS] = { NULL };
	int64_t error = SBI_SUCCESS;

	// A mask wholly beyond what a space can have is wrong without a look at each bit.
	if (!all && mask != 0 && base >= HVSPACE_MAX_VCPUS)
		return SBI_ERR_INVALID_PARAM;
	if (!all && base < HVSPACE_MAX_VCPUS &&
	    base + 63 - (uint64_t)__builtin_clzll(mask | 1) >= HVSPACE_MAX_VCPUS)
		return SBI_ERR_INVALID_PARAM;
	for (uint32_t id = 0; id < HVSPACE_MAX_VCPUS; id++) {
		if (!all && (id < base || (mask >> (id - base) & 1) == 0))
			continue;
		targets[id] = hvspace_get_vcpu(vcpu->space, id);
		if (targets[id] == NULL && !all)
			error = SBI_ERR_INVALID_PARAM;
	}
	for (uint32_t id = 0; id < HVSPACE_MAX_VCPUS; id++) {
		if (targets[id] == NULL)
			continue;
		if (error == SBI_SUCCESS)
			fn(targets[id], arg);
		object_put(&targets[id]->object);
	}
	return error;
}
