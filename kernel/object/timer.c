// SPDX-License-Identifier: MIT
#include "kernel/object/timer.h"

#include "kernel/arch/arch.h"
#include "kernel/sched/sched.h"

enum { IDLE, QUEUED, FIRING };

// Sorted by deadline. Short: a sleeping thread, an armed timer and a sleeping vCPU have one entry
// each.
static struct timer_queue {
	struct spinlock lock;
	struct list nodes;
} queues[MAX_HARTS];

static nsec_t first_deadline_locked(const struct timer_queue *queue)
{
	if (list_is_empty(&queue->nodes))
		return NSEC_NEVER;
	return container_of(queue->nodes.next, struct timer_node, entry)->deadline;
}

void timer_init(void)
{
	for (uint32_t i = 0; i < MAX_HARTS; i++) {
		spinlock_init(&queues[i].lock, LOCK_RANK_TIMER);
		list_init(&queues[i].nodes);
	}
}

void timer_node_init(struct timer_node *node, void (*fire)(struct timer_node *node))
{
	list_init(&node->entry);
	node->deadline = NSEC_NEVER;
	node->hart = 0;
	node->state = IDLE;
	node->fire = fire;
}

// Takes the node out of whatever queue it is in; waits while it fires on another hart. From its own
// fire() it returns at once.
static void take_out(struct timer_node *node)
{
	uint32_t self = arch_this_hart()->id;

	for (;;) {
		uint32_t hart = __atomic_load_n(&node->hart, __ATOMIC_ACQUIRE);
		struct timer_queue *queue = &queues[hart];
		bool wait;

		spin_lock(&queue->lock);
		if (node->hart != hart) {
			spin_unlock(&queue->lock);
			continue;
		}
		if (node->state == QUEUED) {
			list_remove(&node->entry);
			node->state = IDLE;
		}
		wait = node->state == FIRING && hart != self;
		spin_unlock(&queue->lock);
		if (!wait)
			return;
	}
}

void timer_node_arm(struct timer_node *node, nsec_t deadline)
{
	uint32_t self = arch_this_hart()->id;
	struct timer_queue *queue = &queues[self];
	struct list *pos;

	take_out(node);
	if (deadline == NSEC_NEVER)
		return;
	spin_lock(&queue->lock);
	node->deadline = deadline;
	node->hart = self;
	node->state = QUEUED;
	for (pos = queue->nodes.prev; pos != &queue->nodes; pos = pos->prev) {
		if (container_of(pos, struct timer_node, entry)->deadline <= deadline)
			break;
	}
	list_insert_after(pos, &node->entry);
	spin_unlock(&queue->lock);
	timer_program();
}

void timer_node_cancel(struct timer_node *node)
{
	take_out(node);
}

nsec_t timer_next_deadline(void)
{
	struct timer_queue *queue = &queues[arch_this_hart()->id];
	nsec_t deadline;

	spin_lock(&queue->lock);
	deadline = first_deadline_locked(queue);
	spin_unlock(&queue->lock);
	return deadline;
}

void timer_program(void)
{
	struct hart *hart = arch_this_hart();
	nsec_t deadline = timer_next_deadline();
	nsec_t slice = sched_slice_deadline();

	if (slice < deadline)
		deadline = slice;
	if (deadline == hart->timer_deadline)
		return;
	// A hart that is busy need not hear of it now when it has later to wake: the interrupt then
	// finds nothing due and programs what is. Slices come and go with each wake-up, and hardly
	// ever end. An idle hart is not woken for nothing.
	if (deadline > hart->timer_deadline && hart->timer_deadline != 0 &&
	    hart->current != hart->idle)
		return;
	hart->timer_deadline = deadline;
	arch_timer_set(deadline);
}

void timer_interrupt(nsec_t now)
{
	struct hart *hart = arch_this_hart();
	struct timer_queue *queue = &queues[hart->id];
	bool outer = hart->in_interrupt;

	hart->in_interrupt = true;
	for (;;) {
		struct timer_node *node;

		spin_lock(&queue->lock);
		if (first_deadline_locked(queue) > now || list_is_empty(&queue->nodes)) {
			spin_unlock(&queue->lock);
			break;
		}
		node = container_of(list_pop_front(&queue->nodes), struct timer_node, entry);
		node->state = FIRING;
		spin_unlock(&queue->lock);
		node->fire(node);
		// fire() may have armed it again, here.
		spin_lock(&queue->lock);
		if (node->state == FIRING)
			node->state = IDLE;
		spin_unlock(&queue->lock);
	}
	sched_timer_tick(now);
	hart->in_interrupt = outer;
	hart->timer_deadline = 0;  // the hardware's deadline has passed: set it in any case
	timer_program();
}

// --- The timer object ---

struct timer {
	struct object object;
	struct timer_node node;
	struct spinlock set_lock;  // one thread at a time arms the node; not taken when it fires
	struct spinlock lock;      // guards expired
	bool expired;
};

static uint32_t timer_readiness(struct object *object)
{
	struct timer *timer = container_of(object, struct timer, object);
	uint32_t ready;

	spin_lock(&timer->lock);
	ready = timer->expired ? READY_READABLE : 0;
	spin_unlock(&timer->lock);
	return ready;
}

static void timer_destroy(struct object *object)
{
	struct timer *timer = container_of(object, struct timer, object);

	timer_node_cancel(&timer->node);
	object_free(object);
}

static const struct object_ops timer_ops = {
	.type = OBJECT_TIMER,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = timer_readiness,
	.destroy = timer_destroy,
};

static void timer_fire(struct timer_node *node)
{
	struct timer *timer = container_of(node, struct timer, node);
	bool watched;

	spin_lock(&timer->lock);
	timer->expired = true;
	watched = timer->object.watched;
	spin_unlock(&timer->lock);
	if (watched)
		object_notify(&timer->object, READY_READABLE);
}

error_t timer_object_create(struct account *account, struct timer **out)
{
	struct timer *timer;
	error_t error = object_alloc(&timer_ops, sizeof(*timer), account, &timer);

	if (error != 0)
		return error;
	spinlock_init(&timer->set_lock, LOCK_RANK_OBJECT);
	spinlock_init(&timer->lock, LOCK_RANK_TIMER);
	timer_node_init(&timer->node, timer_fire);
	*out = timer;
	return 0;
}

void timer_object_set(struct timer *timer, nsec_t deadline)
{
	bool now = deadline != NSEC_NEVER && deadline <= arch_clock_now();

	spin_lock(&timer->set_lock);
	timer_node_cancel(&timer->node);
	spin_lock(&timer->lock);
	timer->expired = false;
	spin_unlock(&timer->lock);
	if (!now)
		timer_node_arm(&timer->node, deadline);
	spin_unlock(&timer->set_lock);
	if (now)
		timer_fire(&timer->node);
}

struct object *timer_object(struct timer *timer)
{
	return &timer->object;
}

struct timer *timer_from_object(struct object *object)
{
	return container_of(object, struct timer, object);
}
