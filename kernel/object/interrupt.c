// SPDX-License-Identifier: MIT
#include "kernel/object/interrupt.h"

#include "kernel/arch/arch.h"
#include "kernel/object/look.h"
#include "kernel/object/trace.h"
#include "kernel/sched/sched.h"
#include "libs/abi/poll.h"

struct interrupt {
	struct object object;
	struct spinlock lock;
	uint32_t irq;
	bool pending;
	uint32_t owner;  // its process's id; atomic
};

// Which object each line has; guarded by lines_lock, which interrupts take too (they are off in the
// kernel).
static struct spinlock lines_lock = { .rank = LOCK_RANK_OBJECT };
static struct interrupt *lines[INTERRUPT_MAX];
static uint32_t counts[INTERRUPT_MAX];  // how often each fired

struct interrupt *interrupt_from_object(struct object *object)
{
	return container_of(object, struct interrupt, object);
}

struct object *interrupt_object(struct interrupt *interrupt)
{
	return &interrupt->object;
}

static uint32_t interrupt_readiness(struct object *object)
{
	struct interrupt *interrupt = interrupt_from_object(object);
	uint32_t ready;

	spin_lock(&interrupt->lock);
	ready = interrupt->pending ? READY_READABLE : 0;
	spin_unlock(&interrupt->lock);
	return ready;
}

// Takes the line away from an interrupt on its way, which would otherwise find an object without
// references.
static void interrupt_last_handle(struct object *object)
{
	struct interrupt *interrupt = interrupt_from_object(object);

	spin_lock(&lines_lock);
	if (lines[interrupt->irq] == interrupt) {
		arch_irq_disable(interrupt->irq);
		lines[interrupt->irq] = NULL;
	}
	spin_unlock(&lines_lock);
}

static void interrupt_destroy(struct object *object)
{
	interrupt_last_handle(object);
	object_free(object);
}

static const struct object_ops interrupt_ops = {
	.type = OBJECT_INTERRUPT,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_TRANSFER,
	.readiness = interrupt_readiness,
	.last_handle = interrupt_last_handle,
	.destroy = interrupt_destroy,
};

error_t interrupt_object_create(uint32_t irq, struct interrupt **out)
{
	struct interrupt *interrupt;
	error_t error;

	if (irq == 0 || irq >= INTERRUPT_MAX)
		return ERR_RANGE;
	error = object_alloc(&interrupt_ops, sizeof(*interrupt), NULL, &interrupt);
	if (error != 0)
		return error;
	spinlock_init(&interrupt->lock, LOCK_RANK_OBJECT);
	interrupt->irq = irq;

	spin_lock(&lines_lock);
	if (lines[irq] != NULL)
		error = ERR_EXISTS;
	else
		lines[irq] = interrupt;
	spin_unlock(&lines_lock);
	if (error == 0) {
		error = arch_irq_enable(irq);
		if (error == 0) {
			*out = interrupt;
			return 0;
		}
		spin_lock(&lines_lock);
		lines[irq] = NULL;
		spin_unlock(&lines_lock);
	}
	object_put(&interrupt->object);
	return error;
}

void interrupt_object_ack(struct interrupt *interrupt)
{
	spin_lock(&interrupt->lock);
	interrupt->pending = false;
	spin_unlock(&interrupt->lock);
	arch_irq_unmask(interrupt->irq);
}

void interrupt_fired(uint32_t irq)
{
	struct hart *hart = arch_this_hart();
	bool outer = hart->in_interrupt;
	struct interrupt *interrupt = NULL;
	bool watched;

	if (irq >= INTERRUPT_MAX)
		return;
	if (hart_is_looked_at(hart))
		trace_note(hart, LOOK_INTERRUPT, irq, 0);
	spin_lock(&lines_lock);
	counts[irq]++;
	if (lines[irq] != NULL) {
		interrupt = lines[irq];
		object_get(&interrupt->object);
	} else {
		// It was claimed while its owner went: completed here, or the line would stay shut
		// for the next owner.
		arch_irq_disable(irq);
	}
	spin_unlock(&lines_lock);
	if (interrupt == NULL)
		return;

	hart->in_interrupt = true;
	spin_lock(&interrupt->lock);
	interrupt->pending = true;
	watched = interrupt->object.watched;
	spin_unlock(&interrupt->lock);
	if (watched)
		object_notify(&interrupt->object, READY_READABLE);
	hart->in_interrupt = outer;
	object_put(&interrupt->object);
}

void interrupt_set_owner(struct interrupt *interrupt, uint32_t process)
{
	store_relaxed(&interrupt->owner, process);
}

// Of a line that has an owner, or had one and fired.
error_t look_tell_interrupts(uint64_t argument, struct look_out *out)
{
	error_t error = argument != 0 ? ERR_RANGE : 0;

	for (uint32_t irq = 1; irq < INTERRUPT_MAX && error == 0; irq++) {
		struct look_interrupt record = { .line = irq };
		bool there;

		spin_lock(&lines_lock);
		record.count = counts[irq];
		there = lines[irq] != NULL;
		if (there)
			record.process = __atomic_load_n(&lines[irq]->owner, __ATOMIC_RELAXED);
		spin_unlock(&lines_lock);
		if (there || record.count > 0)
			error = look_put(out, &record, sizeof(record));
	}
	return error;
}
