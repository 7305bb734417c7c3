// SPDX-License-Identifier: MIT
#include "kernel/object/vcpu.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"

static void vcpu_destroy(struct object *object);
static uint32_t vcpu_object_readiness(struct object *object);

static const struct object_ops vcpu_ops = {
	.type = OBJECT_VCPU,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_CONTROL | RIGHT_TRANSFER |
		RIGHT_DUPLICATE,
	.readiness = vcpu_object_readiness,
	.destroy = vcpu_destroy,
};

error_t vcpu_object_create(struct account *account, struct hvspace *space, uint32_t id,
                           struct vcpu **out)
{
	static uint64_t last_serial;
	struct vcpu *vcpu;
	error_t err;

	err = object_alloc(&vcpu_ops, sizeof(*vcpu), account, &vcpu);
	if (err != 0)
		return err;
	spinlock_init(&vcpu->lock, LOCK_RANK_VCPU);
	wait_queue_init(&vcpu->waiters);
	vcpu->id = id;
	// The first entry looks at what there is, too.
	vcpu->requests = VCPU_REQ_RESUME;
	vcpu->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	vcpu->hart_id = VCPU_NO_HART;
	vcpu->last_hart = VCPU_NO_HART;
	vcpu->hsm_state = id == 0 ? VCPU_HSM_STARTED : VCPU_HSM_STOPPED;
	hv_context_init(&vcpu->context);
	hv_timer_init(vcpu);

	err = hvspace_add_vcpu(space, id, vcpu);
	if (err != 0) {
		object_put(&vcpu->object);
		return err;
	}
	object_get(&space->object);
	vcpu->space = space;
	*out = vcpu;
	return 0;
}

static void vcpu_destroy(struct object *object)
{
	struct vcpu *vcpu = vcpu_from_object(object);
	struct hvspace *space = vcpu->space;

	hv_evict(vcpu);
	if (space != NULL)
		hvspace_remove_vcpu(space, vcpu->id);
	object_free(&vcpu->object);
	if (space != NULL)
		object_put(&space->object);
}

uint32_t vcpu_readiness(struct vcpu *vcpu)
{
	return (__atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST) & VCPU_REQ_KICK) != 0
		? READY_READABLE
		: 0;
}

static uint32_t vcpu_object_readiness(struct object *object)
{
	return vcpu_readiness(vcpu_from_object(object));
}

void vcpu_request(struct vcpu *vcpu, uint32_t bits)
{
	uint32_t hart;

	__atomic_fetch_or(&vcpu->requests, bits, __ATOMIC_SEQ_CST);
	// Pairs with the fence of vcpu_begin_entry(): either it sees the request, or we see the
	// hart that it is about to enter on.
	hart = __atomic_load_n(&vcpu->hart_id, __ATOMIC_SEQ_CST);
	if (hart != VCPU_NO_HART) {
		if (hart != arch_this_hart()->id)
			arch_hart_kick(hart);
		return;
	}
	spin_lock(&vcpu->lock);
	wait_queue_wake_all(&vcpu->waiters);
	spin_unlock(&vcpu->lock);
}

error_t vcpu_set_irq(struct vcpu *vcpu, uint32_t irq, uint32_t level)
{
	uint32_t bit = 1u << VCPU_IRQ_EXTERNAL;
	uint32_t old;

	if (irq == VCPU_IRQ_SOFT && level == 1) {
		vcpu_request(vcpu, VCPU_REQ_SOFT_IRQ);
		return 0;
	}
	if (irq != VCPU_IRQ_EXTERNAL || level > 1)
		return ERR_INVALID;
	if (level != 0)
		old = __atomic_fetch_or(&vcpu->irq_lines, bit, __ATOMIC_SEQ_CST);
	else
		old = __atomic_fetch_and(&vcpu->irq_lines, ~bit, __ATOMIC_SEQ_CST);
	if (((old & bit) != 0) != (level != 0))
		vcpu_request(vcpu, VCPU_REQ_RESUME);
	return 0;
}

void vcpu_kick(struct vcpu *vcpu)
{
	vcpu_request(vcpu, VCPU_REQ_KICK);
	if (__atomic_load_n(&vcpu->object.watched, __ATOMIC_SEQ_CST))
		object_notify(&vcpu->object, READY_READABLE);
}

// Makes the caller the one that runs, or looks at, the vCPU.
error_t vcpu_claim(struct vcpu *vcpu)
{
	error_t err = 0;

	spin_lock(&vcpu->lock);
	if (vcpu->running)
		err = ERR_BAD_STATE;
	vcpu->running = true;
	spin_unlock(&vcpu->lock);
	return err;
}

void vcpu_release(struct vcpu *vcpu)
{
	spin_lock(&vcpu->lock);
	vcpu->running = false;
	spin_unlock(&vcpu->lock);
}

error_t vcpu_get_state(struct vcpu *vcpu, struct vcpu_state *out)
{
	error_t err = vcpu_claim(vcpu);

	if (err != 0)
		return err;
	hv_context_get(&vcpu->context, out);
	vcpu_release(vcpu);
	return 0;
}

error_t vcpu_set_state(struct vcpu *vcpu, const struct vcpu_state *state)
{
	error_t err = vcpu_claim(vcpu);

	if (err != 0)
		return err;
	hv_context_set(&vcpu->context, state);
	// What an access before this one left to be done is not for the new registers.
	vcpu->pending = VCPU_PENDING_NONE;
	// Registers are set when there is new code to run: the hart that holds the vCPU fetches it
	// anew.
	__atomic_fetch_or(&vcpu->requests, VCPU_REQ_FENCE, __ATOMIC_SEQ_CST);
	vcpu_release(vcpu);
	return 0;
}

void vcpu_stats(struct vcpu *vcpu, struct vcpu_stats *out)
{
	const uint64_t *from = (const uint64_t *)&vcpu->stats;
	uint64_t *to = (uint64_t *)out;

	for (size_t i = 0; i < sizeof(*out) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
