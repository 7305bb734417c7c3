// SPDX-License-Identifier: MIT
//
// Why the guest was left, and what is done about it. RISC-V privileged specification, chapter "H",
// "Traps".
#include "kernel/arch/riscv64/cause.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/hv/sbi.h"
#include "kernel/arch/riscv64/trap.h"
#include "kernel/object/vcpu.h"

#define VSSTATUS_SIE (1ull << 1)
#define VSSTATUS_SPIE (1ull << 5)
#define VSSTATUS_SPP (1ull << 8)
#define INSN_WFI 0x10500073u

void hv_inject_exception(struct vcpu *vcpu, uint64_t cause, uint64_t tval)
{
	struct vcpu_context *context = &vcpu->context;
	uint64_t status = hcsr_read(CSR_VSSTATUS);
	uint64_t saved = 0;

	if ((status & VSSTATUS_SIE) != 0)
		saved |= VSSTATUS_SPIE;
	if ((context->sstatus & SSTATUS_SPP) != 0)
		saved |= VSSTATUS_SPP;
	hcsr_write(CSR_VSSTATUS, (status & ~(VSSTATUS_SIE | VSSTATUS_SPIE | VSSTATUS_SPP)) | saved);
	hcsr_write(CSR_VSEPC, context->pc);
	hcsr_write(CSR_VSCAUSE, cause);
	hcsr_write(CSR_VSTVAL, tval);
	context->pc = hcsr_read(CSR_VSTVEC) & ~3ull;
	context->sstatus |= SSTATUS_SPP;
}

bool hv_is_at_handler(const struct vcpu *vcpu)
{
	const struct vcpu_context *context = &vcpu->context;

	return (context->sstatus & SSTATUS_SPP) != 0 &&
		context->pc == (hcsr_read(CSR_VSTVEC) & ~3ull);
}

static enum hv_next handle_guest_fault(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	vcpu->context.htinst = hcsr_read(CSR_HTINST);
	return hv_handle_guest_fault(vcpu, exit);
}

static enum hv_next handle_ecall(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	return sbi_handle_call(vcpu, exit);
}

static enum hv_next handle_virtual_insn(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	struct vcpu_context *context = &vcpu->context;
	uint32_t insn;

	(void)exit;
	// stval may hold the instruction or 0; ask the guest's memory, which is right on all harts.
	if (!hv_fetch_insn(vcpu, &insn)) {
		vcpu->stats.other++;
		return HV_REENTER;
	}
	if (insn == INSN_WFI && (context->sstatus & SSTATUS_SPP) != 0) {
		vcpu->stats.wfi++;
		context->pc += 4;
		return HV_WAIT;
	}
	vcpu->stats.other++;
	hv_inject_exception(vcpu, CAUSE_ILLEGAL, insn);
	return HV_REENTER;
}

static enum hv_next (*const handlers[])(struct vcpu *vcpu, struct vcpu_exit *exit) = {
	[CAUSE_ECALL_VS] = handle_ecall,
	[CAUSE_FETCH_GUEST_PAGE] = handle_guest_fault,
	[CAUSE_LOAD_GUEST_PAGE] = handle_guest_fault,
	[CAUSE_VIRTUAL_INSN] = handle_virtual_insn,
	[CAUSE_STORE_GUEST_PAGE] = handle_guest_fault,
};

enum hv_next hv_handle_exit(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	uint64_t cause = vcpu->context.scause;

	vcpu->stats.exits++;
	if ((cause & SCAUSE_INTERRUPT) != 0) {
		vcpu->stats.host_interrupt++;
		trap_handle_pending();
		return HV_REENTER;
	}
	if (cause < sizeof(handlers) / sizeof(handlers[0]) && handlers[cause] != NULL)
		return handlers[cause](vcpu, exit);
	// What is not delegated and not ours (access faults) is the guest's own doing.
	vcpu->stats.other++;
	hv_inject_exception(vcpu, cause, vcpu->context.stval);
	return HV_REENTER;
}
