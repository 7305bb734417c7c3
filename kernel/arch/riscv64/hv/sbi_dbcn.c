// SPDX-License-Identifier: MIT
//
// SBI chapter 12: the debug console. The buffer is named by a guest-physical address, which may be
// anything.
#include "kernel/arch/riscv64/hv/sbi.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

enum {
	DBCN_WRITE,
	DBCN_READ,
	DBCN_WRITE_BYTE,
};

// Whether the buffer that the call names is the guest's memory, all of it (section 3.2). Registers
// of devices are not.
static bool buffer_is_memory(struct vcpu *vcpu, const struct guest_sbi_call *call)
{
	uint64_t len = call->arg[0];

	return len == 0 ||
		(call->arg[2] == 0 &&
	         hvspace_is_mapped(vcpu->space, call->arg[1], len, PROT_READ | PROT_WRITE));
}

// Takes as much as one exit holds; the guest calls again for the rest.
static enum hv_next console_write(struct vcpu *vcpu, struct guest_sbi_call *call,
                                  struct vcpu_exit *exit)
{
	uint64_t len = call->arg[0] < VCPU_CONSOLE_MAX ? call->arg[0] : VCPU_CONSOLE_MAX;

	if (!buffer_is_memory(vcpu, call)) {
		call->error = SBI_ERR_INVALID_PARAM;
		return HV_REENTER;
	}
	if (len == 0)
		return HV_REENTER;
	if (hvspace_read(vcpu->space, call->arg[1], exit->console.data, len) != 0) {
		call->error = SBI_ERR_FAILED;
		return HV_REENTER;
	}
	exit->reason = VCPU_EXIT_CONSOLE;
	exit->console.len = (uint32_t)len;
	call->value = len;
	return HV_RETURN;
}

static enum hv_next handle_dbcn(struct vcpu *vcpu, struct guest_sbi_call *call,
                                struct vcpu_exit *exit)
{
	switch (call->function) {
	case DBCN_WRITE: return console_write(vcpu, call, exit);
	case DBCN_READ:
		// There is never any input.
		if (!buffer_is_memory(vcpu, call))
			call->error = SBI_ERR_INVALID_PARAM;
		return HV_REENTER;
	case DBCN_WRITE_BYTE:
		exit->reason = VCPU_EXIT_CONSOLE;
		exit->console.len = 1;
		exit->console.data[0] = (uint8_t)call->arg[0];
		return HV_RETURN;
	default: call->error = SBI_ERR_NOT_SUPPORTED; return HV_REENTER;
	}
}

const struct guest_sbi_extension sbi_ext_dbcn = { .first = 0x4442434e,
	                                          .last = 0x4442434e,
	                                          .handle = handle_dbcn };
