// SPDX-License-Identifier: MIT
//
// vcpu_run: the loop between the guest, the kernel's own work on the hart, and the VMM.
//
// No event is missed, by one rule: who wants something of the vCPU first says so in vcpu.requests
// and then looks at vcpu.hart_id; this loop first writes hart_id and then looks at requests. One of
// the two sees the other. A kick that comes between that look and the sret stays pending and takes
// the guest out again before its first instruction.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"
#include "kernel/object/vcpu.h"

static void poll_became_ready(struct poll_listener *listener)
{
	vcpu_request(container_of(listener, struct vcpu, listener), VCPU_REQ_POLL);
}

// Does what was asked of the vCPU since the last look. The vCPU is loaded. Returns true when
// vcpu_run has to return.
static bool serve_requests(struct vcpu *vcpu, struct poll *poll, struct vcpu_exit *exit)
{
	uint32_t requests = __atomic_exchange_n(&vcpu->requests, 0, __ATOMIC_SEQ_CST);

	if ((requests & VCPU_REQ_SOFT_IRQ) != 0)
		hcsr_set(CSR_HVIP, HVIP_VSSIP);
	if ((requests & VCPU_REQ_FENCE) != 0) {
		hfence_vvma_all();
		__asm__ volatile("fence.i" ::: "memory");
	}
	if (__atomic_load_n(&vcpu->space->memory_lost, __ATOMIC_RELAXED)) {
		exit->reason = VCPU_EXIT_NO_MEMORY;
		return true;
	}
	if ((requests & VCPU_REQ_KICK) != 0 ||
	    ((requests & VCPU_REQ_POLL) != 0 && poll != NULL && poll_is_ready(poll))) {
		exit->reason = VCPU_EXIT_POLL;
		return true;
	}
	return false;
}

// Sleeps until something is asked of the vCPU or `deadline`. Errors: ERR_BAD_STATE (the process is
// ending).
static error_t wait_for_request(struct vcpu *vcpu, nsec_t deadline)
{
	error_t err;

	hv_put(vcpu);
	spin_lock(&vcpu->lock);
	if (__atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST) != 0) {
		spin_unlock(&vcpu->lock);
		return 0;
	}
	arch_current_thread()->wake.table = &thread_waits_for_guest;
	err = wait_queue_wait(&vcpu->waiters, &vcpu->lock, deadline);
	return err == ERR_TIMED_OUT ? 0 : err;
}

// The guest executed WFI.
static error_t wait_for_interrupt(struct vcpu *vcpu)
{
	hv_timer_update(vcpu);
	hv_update_interrupts(vcpu);
	if (hv_interrupt_pending(vcpu))
		return 0;
	hv_put(vcpu);
	return wait_for_request(vcpu, hv_timer_deadline(vcpu));
}

// Begins at start_pc. The vCPU is not loaded, its lock is held.
static void start_locked(struct vcpu *vcpu)
{
	struct vcpu_context *context = &vcpu->context;

	hv_context_reset(context);
	context->pc = vcpu->start_pc;
	context->x[10] = vcpu->id;
	context->x[11] = vcpu->start_arg;
}

// A vCPU that SBI HSM's suspend has put to sleep goes on at an interrupt that its guest has
// enabled, and at nothing else.
static error_t wait_for_resume(struct vcpu *vcpu)
{
	bool resumes;

	hv_timer_update(vcpu);
	hv_update_interrupts(vcpu);
	resumes = hv_interrupt_pending(vcpu);
	hv_put(vcpu);
	if (!resumes)
		return wait_for_request(vcpu, hv_timer_deadline(vcpu));
	spin_lock(&vcpu->lock);
	if (vcpu->resumes_afresh)
		start_locked(vcpu);
	vcpu->hsm_state = VCPU_HSM_STARTED;
	spin_unlock(&vcpu->lock);
	return 0;
}

// A vCPU that SBI HSM has not started, has just been asked to start, or has suspended. SBI 2.0,
// chapter 9.
static error_t wait_for_start(struct vcpu *vcpu)
{
	if (__atomic_load_n(&vcpu->hsm_state, __ATOMIC_ACQUIRE) == VCPU_HSM_SUSPENDED)
		return wait_for_resume(vcpu);
	hv_put(vcpu);
	spin_lock(&vcpu->lock);
	if (vcpu->hsm_state != VCPU_HSM_START_PENDING) {
		spin_unlock(&vcpu->lock);
		return wait_for_request(vcpu, NSEC_NEVER);
	}
	start_locked(vcpu);
	vcpu->hsm_state = VCPU_HSM_STARTED;
	spin_unlock(&vcpu->lock);
	return 0;
}

// thread_should_end of the thread that runs a vCPU, read without order: a kick follows, which ends
// the guest's turn.
static inline bool must_end(const struct thread *self)
{
	return thread_seems_ending(self);
}

// Enters the guest and comes back at its next exit. Returns false when it did not enter, because
// something is asked for.
static inline bool enter_guest(struct vcpu *vcpu, const struct thread *self, struct hart *hart)
{
	struct vcpu_context *context = &vcpu->context;

	if (hart->kicks != 0)
		sched_send_kicks();
	if (!vcpu_begin_entry(vcpu, hart->id) ||
	    __atomic_load_n(&hart->need_resched, __ATOMIC_RELAXED) != 0 || must_end(self)) {
		store_relaxed(&vcpu->hart_id, VCPU_NO_HART);
		return false;
	}
	if (!hv_has_sstc())
		hv_timer_update(vcpu);
	if (__atomic_load_n(&vcpu->irq_lines, __ATOMIC_RELAXED) != vcpu->irq_applied)
		hv_update_interrupts(vcpu);
	if (__builtin_expect(context->env_parked, 0))
		hv_unpark_env(vcpu);
	arch_space_pause(&hart->arch.running_space);
	hv_switch(context);
	// Before wait_for_request looks at the requests there is a fence.
	vcpu_end_entry(vcpu);
	context->scause = csr_read(scause);
	context->stval = csr_read(stval);
	context->htval = hcsr_read(CSR_HTVAL);
	return true;
}

// The same while somebody has events noted.
static __attribute__((noinline)) enum hv_next enter_looked_at(struct vcpu *vcpu,
                                                              const struct thread *self,
                                                              struct vcpu_exit *exit)
{
	trace_note(self->arch.hart, LOOK_VM_ENTRY, vcpu->id, 0);
	if (!enter_guest(vcpu, self, self->arch.hart))
		return HV_REENTER;
	trace_note(self->arch.hart, LOOK_VM_EXIT, vcpu->id, vcpu->context.scause);
	return hv_handle_exit(vcpu, exit);
}

static error_t run_until_exit(struct vcpu *vcpu, struct poll *poll, struct vcpu_exit *exit)
{
	const struct thread *self = arch_current_thread();

	for (;;) {
		struct hart *hart = self->arch.hart;
		enum hv_next next = HV_REENTER;
		error_t err = 0;

		if (must_end(self))
			return ERR_BAD_STATE;
		if (__atomic_load_n(&hart->need_resched, __ATOMIC_RELAXED) != 0) {
			sched_yield();
			continue;
		}
		if (hart->arch.guest != vcpu)
			hv_load(vcpu);
		if (__atomic_load_n(&vcpu->requests, __ATOMIC_RELAXED) != 0 &&
		    serve_requests(vcpu, poll, exit))
			return 0;
		if (__atomic_load_n(&vcpu->hsm_state, __ATOMIC_ACQUIRE) != VCPU_HSM_STARTED)
			err = wait_for_start(vcpu);
		else if (hart_is_looked_at(hart))
			next = enter_looked_at(vcpu, self, exit);
		else if (enter_guest(vcpu, self, hart))
			next = hv_handle_exit(vcpu, exit);
		if (next == HV_RETURN)
			return 0;
		if (next == HV_WAIT)
			err = wait_for_interrupt(vcpu);
		if (err != 0)
			return err;
	}
}

error_t vcpu_run(struct vcpu *vcpu, struct poll *poll, struct vcpu_exit *exit)
{
	struct arch_space *space = arch_current_space();
	error_t err = vcpu_claim(vcpu);

	if (err != 0)
		return err;
	// It may have come from another thread, whose hart holds it still.
	if (__atomic_load_n(&vcpu->context.loaded_on, __ATOMIC_ACQUIRE) != VCPU_NO_HART &&
	    arch_thread_hart()->arch.guest != vcpu)
		hv_evict(vcpu);
	if (vcpu->pending == VCPU_PENDING_MMIO_READ)
		hv_finish_mmio_read(vcpu, exit);
	exit->reason = VCPU_EXIT_NONE;

	vcpu->listener.notify = poll_became_ready;
	if (poll != NULL && poll_listen(poll, &vcpu->listener))
		exit->reason = VCPU_EXIT_POLL;
	else
		err = run_until_exit(vcpu, poll, exit);
	if (poll != NULL)
		poll_unlisten(&vcpu->listener);
	if (space != NULL) {
		struct hart *hart = arch_thread_hart();

		if (!arch_space_resume(&hart->arch.running_space, space, hart->id))
			arch_space_return(hart, space);
		// Of what is the guest's, user mode obeys these registers.
		if (hart->arch.guest == vcpu)
			hv_park_env(vcpu);
	}
	// It stays loaded: most likely this thread comes back with it.
	vcpu_release(vcpu);
	return err;
}
