// SPDX-License-Identifier: MIT
//
// SBI chapter 4: the base extension.
#include "kernel/arch/riscv64/hv/sbi.h"

#define SPEC_VERSION_2_0 (2ull << 24)
#define IMPL_VERSION 1ull
// "STAR": none of the registered implementations.
#define IMPL_ID 0x53544152ull

enum {
	BASE_GET_SPEC_VERSION,
	BASE_GET_IMPL_ID,
	BASE_GET_IMPL_VERSION,
	BASE_PROBE_EXTENSION,
	BASE_GET_MVENDORID,
	BASE_GET_MARCHID,
	BASE_GET_MIMPID,
};

static enum hv_next handle_base(struct vcpu *vcpu, struct guest_sbi_call *call,
                                struct vcpu_exit *exit)
{
	(void)vcpu;
	(void)exit;
	switch (call->function) {
	case BASE_GET_SPEC_VERSION: call->value = SPEC_VERSION_2_0; break;
	case BASE_GET_IMPL_ID: call->value = IMPL_ID; break;
	case BASE_GET_IMPL_VERSION: call->value = IMPL_VERSION; break;
	case BASE_PROBE_EXTENSION:
		call->value = sbi_find_extension(call->arg[0]) != NULL ? 1 : 0;
		break;
	case BASE_GET_MVENDORID:
	case BASE_GET_MARCHID:
	case BASE_GET_MIMPID: break;
	default: call->error = SBI_ERR_NOT_SUPPORTED;
	}
	return HV_REENTER;
}

const struct guest_sbi_extension sbi_ext_base = { .first = 0x10,
	                                          .last = 0x10,
	                                          .handle = handle_base };
