// SPDX-License-Identifier: MIT
//
// Loading a vCPU onto a hart and putting it back. It stays loaded over exits that the kernel serves
// itself, and over those to the VMM when the same thread runs it again: what is loaded does not
// matter to code that is not a guest.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/fp.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/thread.h"
#include "kernel/object/vcpu.h"
#include "libs/base/string.h"

#define SSTATUS_UXL_64 (2ull << 32)

_Static_assert(sizeof(((struct vcpu_context *)0)->fp) == sizeof(struct arch_fp),
               "a struct arch_fp");

// Which vCPU each hart loaded last, by serial: another one's virtual translations may still be in
// its TLB.
static uint64_t last_serial[MAX_HARTS];

void hv_context_init(struct vcpu_context *context)
{
	memset(context, 0, sizeof(*context));
	context->vstimecmp = UINT64_MAX;
	context->loaded_on = VCPU_NO_HART;
	// Firmware leaves the counters readable in user mode, and Linux counts on it: its vDSO
	// reads the time.
	context->scounteren = 7;
	hv_context_reset(context);
}

void hv_context_get(const struct vcpu_context *context, struct vcpu_state *out)
{
	memcpy(out->x, context->x, sizeof(out->x));
	out->x[0] = 0;
	out->pc = context->pc;
}

void hv_context_set(struct vcpu_context *context, const struct vcpu_state *state)
{
	memcpy(context->x, state->x, sizeof(state->x));
	context->x[0] = 0;
	context->pc = state->pc;
}

// sstatus.FS is always Dirty for a guest, and hv_put saves its FP registers each time, which is a
// few dozen instructions: an emulator keeps a translation of all code for each state of the unit,
// and would translate a guest's kernel two or three times if the state changed. vsstatus.FS stays
// the guest's own: where that is Off, its FP instructions trap to it.
void hv_context_reset(struct vcpu_context *context)
{
	context->sstatus = SSTATUS_UXL_64 | SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_FS_DIRTY;
	context->hstatus = HSTATUS_VSXL_64 | HSTATUS_VTW | HSTATUS_SPV | HSTATUS_SPVP;
	context->vsstatus = SSTATUS_UXL_64;
	context->vsie = 0;
	context->vsatp = 0;
}

static struct arch_fp *guest_fp(struct vcpu_context *context)
{
	return (struct arch_fp *)(void *)context->fp;
}

static void load_translation(struct vcpu *vcpu)
{
	struct hvspace *space = vcpu->space;
	uint32_t hart = arch_this_hart()->id;
	bool fence_all;
	uint32_t vmid = tlb_tag_enter(&vmids, &space->vmid, hart, &fence_all);

	hcsr_write(CSR_HGATP, gstage_hgatp(&space->gstage, vmid));
	__atomic_store_n(&vcpu->vmid, vmid, __ATOMIC_SEQ_CST);
	if (fence_all)
		hfence_gvma_all();
	// The guest fences its virtual translations on the hart where it runs, and no other hears
	// of it.
	if (fence_all || last_serial[hart] != vcpu->serial || vcpu->last_hart != hart)
		hfence_vvma_all();
	// FENCE.I is a hart's own (unprivileged specification, Zifencei): what the guest has
	// fetched anew elsewhere, and what the VMM wrote before the first entry, this hart may
	// still have as it was. Pairs with the stores before the guest's FENCE.I there.
	if (vcpu->last_hart != hart)
		__asm__ volatile("fence.i" ::: "memory");
	last_serial[hart] = vcpu->serial;
	vcpu->last_hart = hart;
}

void hv_load(struct vcpu *vcpu)
{
	struct vcpu_context *context = &vcpu->context;
	struct thread *thread = arch_current_thread();
	struct hart *hart = thread->arch.hart;

	if (hart->arch.guest == vcpu)
		return;
	if (hart->arch.guest != NULL)
		hv_put_guest(hart);
	hv_init_hart();
	load_translation(vcpu);

	hcsr_write(CSR_VSSTATUS, context->vsstatus);
	hcsr_write(CSR_VSTVEC, context->vstvec);
	hcsr_write(CSR_VSSCRATCH, context->vsscratch);
	hcsr_write(CSR_VSEPC, context->vsepc);
	hcsr_write(CSR_VSCAUSE, context->vscause);
	hcsr_write(CSR_VSTVAL, context->vstval);
	hcsr_write(CSR_VSATP, context->vsatp);
	hcsr_write(CSR_VSIE, context->vsie);
	hcsr_write(CSR_HVIP, context->hvip);
	context->env_parked = true;
	hcsr_write(CSR_HTIMEDELTA, -vcpu->space->time_origin);
	if (hv_has_sstc())
		hcsr_write(CSR_VSTIMECMP, context->vstimecmp);

	// The thread's FP registers are in its own place now, and the unit is the guest's alone.
	fp_suspend(thread);
	hart->arch.fp_owner = NULL;
	csr_set(sstatus, SSTATUS_FS_INITIAL);
	fp_restore(guest_fp(context));
	csr_clear(sstatus, SSTATUS_FS_MASK);

	hart->arch.guest = vcpu;
	store_relaxed(&vcpu->thread, thread->id);
	store_relaxed(&context->loaded_on, hart->id);
}

void hv_park_env(struct vcpu *vcpu)
{
	struct vcpu_context *context = &vcpu->context;

	if (context->env_parked)
		return;
	context->scounteren = hcsr_read(CSR_SCOUNTEREN_N);
	context->senvcfg = hcsr_read(CSR_SENVCFG_N);
	hcsr_write(CSR_SCOUNTEREN_N, SCOUNTEREN_ALL);
	hcsr_write(CSR_SENVCFG_N, 0);
	context->env_parked = true;
}

void hv_unpark_env(struct vcpu *vcpu)
{
	struct vcpu_context *context = &vcpu->context;

	hcsr_write(CSR_SCOUNTEREN_N, context->scounteren);
	hcsr_write(CSR_SENVCFG_N, context->senvcfg);
	context->env_parked = false;
}

void hv_put_guest(struct hart *hart)
{
	hv_put(hart->arch.guest);
}

void hv_evict(struct vcpu *vcpu)
{
	struct hart *self = arch_this_hart();
	uint32_t hart = __atomic_load_n(&vcpu->context.loaded_on, __ATOMIC_ACQUIRE);

	if (hart == VCPU_NO_HART)
		return;
	if (hart == self->id) {
		hv_put(vcpu);
		return;
	}
	__atomic_store_n(&harts[hart].arch.evict, true, __ATOMIC_SEQ_CST);
	arch_hart_kick(hart);
	// It may be waiting for us likewise.
	while (__atomic_load_n(&vcpu->context.loaded_on, __ATOMIC_ACQUIRE) == hart)
		hv_serve_evict(self);
}

void hv_serve_evict(struct hart *hart)
{
	if (!__atomic_load_n(&hart->arch.evict, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&hart->arch.evict, false, __ATOMIC_SEQ_CST);
	if (hart->arch.guest != NULL)
		hv_put_guest(hart);
}

void hv_put(struct vcpu *vcpu)
{
	struct vcpu_context *context = &vcpu->context;
	struct thread *thread = arch_current_thread();
	struct hart *hart = thread->arch.hart;

	if (hart->arch.guest != vcpu)
		return;
	hart->arch.guest = NULL;
	// It is a timer of this hart; a sleeping guest's deadline is kept by its thread's wait.
	hv_timer_cancel(vcpu);

	context->vsstatus = hcsr_read(CSR_VSSTATUS);
	context->vstvec = hcsr_read(CSR_VSTVEC);
	context->vsscratch = hcsr_read(CSR_VSSCRATCH);
	context->vsepc = hcsr_read(CSR_VSEPC);
	context->vscause = hcsr_read(CSR_VSCAUSE);
	context->vstval = hcsr_read(CSR_VSTVAL);
	context->vsatp = hcsr_read(CSR_VSATP);
	context->vsie = hcsr_read(CSR_VSIE);
	context->hvip = hcsr_read(CSR_HVIP);
	hv_park_env(vcpu);
	// A guest's interrupt that is pending and enabled would end the host's wfi at once, again
	// and again.
	hcsr_write(CSR_VSIE, 0);
	hcsr_write(CSR_HVIP, 0);
	if (hv_has_sstc()) {
		context->vstimecmp = hcsr_read(CSR_VSTIMECMP);
		hcsr_write(CSR_VSTIMECMP, UINT64_MAX);
	}
	hcsr_write(CSR_HGATP, 0);

	csr_set(sstatus, SSTATUS_FS_INITIAL);
	fp_save(guest_fp(context));
	fp_resume(thread);
	if (thread->arch.space != NULL)
		fp_hide(hart);
	store_release(&context->loaded_on, VCPU_NO_HART);
}

void hv_update_interrupts(struct vcpu *vcpu)
{
	uint32_t lines = __atomic_load_n(&vcpu->irq_lines, __ATOMIC_SEQ_CST);

	if (lines != vcpu->irq_applied) {
		vcpu->irq_applied = lines;
		if ((lines & 1u << VCPU_IRQ_EXTERNAL) != 0)
			hcsr_set(CSR_HVIP, HVIP_VSEIP);
		else
			hcsr_clear(CSR_HVIP, HVIP_VSEIP);
	}
}

bool hv_interrupt_pending(const struct vcpu *vcpu)
{
	(void)vcpu;
	// hip has hvip's bits and the timer's of Sstc; vsie and hie show the guest's enables one
	// bit position apart.
	return (hcsr_read(CSR_HIP) & hcsr_read(CSR_VSIE) << 1 &
	        (HVIP_VSSIP | HVIP_VSTIP | HVIP_VSEIP)) != 0;
}
