// SPDX-License-Identifier: MIT
#include "kernel/syscall/guest_fake.h"

#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/thread.h"
#include "kernel/object/vcpu.h"

uint64_t (*guest_fake_choose)(uint64_t bound);

bool hv_init_once(void)
{
	return true;
}

uint64_t hv_time(void)
{
	return arch_clock_now();
}

void hv_fence_gstage(void)
{
}

void hv_context_init(struct vcpu_context *context)
{
	memset(context, 0, sizeof(*context));
}

void hv_context_get(const struct vcpu_context *context, struct vcpu_state *out)
{
	memcpy(out->x, context->x, sizeof(out->x));
	out->pc = context->pc;
}

void hv_context_set(struct vcpu_context *context, const struct vcpu_state *state)
{
	memcpy(context->x, state->x, sizeof(state->x));
	context->pc = state->pc;
}

void hv_evict(struct vcpu *vcpu)
{
	(void)vcpu;
}

void hv_timer_init(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void poll_became_ready(struct poll_listener *listener)
{
	vcpu_request(container_of(listener, struct vcpu, listener), VCPU_REQ_POLL);
}

// The guest: it touches memory, notifies a device, or waits for an interrupt. Returns whether the
// VMM has something to do.
static bool guest_runs(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	gpa_t gpa = 0x80000000 + guest_fake_choose(8) * 0x800;
	uint8_t bytes[64];

	switch (guest_fake_choose(4)) {
	case 0: exit->reason = VCPU_EXIT_MMIO_READ; return true;
	case 1:
		(void)hvspace_notify(vcpu->space, gpa & ~3ull, (uint32_t)guest_fake_choose(4));
		return false;
	case 2:
		if (hvspace_read(vcpu->space, gpa, bytes, sizeof(bytes)) != 0)
			exit->reason = VCPU_EXIT_FAULT;
		return exit->reason != VCPU_EXIT_NONE;
	default:
		if (hvspace_fault(vcpu->space, gpa, 1u << guest_fake_choose(3)) ==
		    HVSPACE_FAULT_MAPPED)
			return false;
		exit->reason = VCPU_EXIT_FAULT;
		return true;
	}
}

static error_t run_until_exit(struct vcpu *vcpu, struct poll *poll, struct vcpu_exit *exit)
{
	for (;;) {
		uint32_t requests = __atomic_exchange_n(&vcpu->requests, 0, __ATOMIC_SEQ_CST);

		if (thread_should_end())
			return ERR_BAD_STATE;
		if ((requests & VCPU_REQ_KICK) != 0 ||
		    ((requests & VCPU_REQ_POLL) != 0 && poll != NULL && poll_is_ready(poll))) {
			exit->reason = VCPU_EXIT_POLL;
			return 0;
		}
		if (guest_fake_choose(4) != 1) {
			if (guest_runs(vcpu, exit))
				return 0;
			continue;
		}
		spin_lock(&vcpu->lock);
		error_t error = wait_queue_wait(&vcpu->waiters, &vcpu->lock, NSEC_NEVER);

		if (error != 0)
			return error;
	}
}

// As kernel/arch/riscv64/hv/run.c.
error_t vcpu_run(struct vcpu *vcpu, struct poll *poll, struct vcpu_exit *exit)
{
	error_t error = vcpu_claim(vcpu);

	if (error != 0)
		return error;
	exit->reason = VCPU_EXIT_NONE;
	vcpu->listener.notify = poll_became_ready;
	if (poll != NULL && poll_listen(poll, &vcpu->listener))
		exit->reason = VCPU_EXIT_POLL;
	else
		error = run_until_exit(vcpu, poll, exit);
	if (poll != NULL)
		poll_unlisten(&vcpu->listener);
	vcpu_release(vcpu);
	return error;
}
