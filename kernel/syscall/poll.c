// SPDX-License-Identifier: MIT
#include "kernel/object/poll.h"

#include "kernel/object/event.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/timer.h"
#include "kernel/syscall/syscall.h"

#define READY_ALL ((uintptr_t)(READY_READABLE | READY_WRITABLE | READY_CLOSED))

error_t sys_poll_create(SYSCALL_ARGS)
{
	struct poll *poll;
	error_t error = poll_object_create(caller()->account, &poll);

	return error != 0 ? error : give_handle(&poll->object, a0);
}

error_t sys_poll_add(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct object *object;
	error_t error = lookup(a0, OBJECT_POLL, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	error = (a2 & ~READY_ALL) != 0
		? ERR_INVALID
		: poll_entry_add(poll_from_object(object), &process->handles, (handle_t)a1,
	                         (uint32_t)a2, a3, process->account);
	object_put(object);
	return error;
}

error_t sys_poll_update(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_POLL, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	error = (a2 & ~READY_ALL) != 0
		? ERR_INVALID
		: poll_entry_update(poll_from_object(object), &caller()->handles, (handle_t)a1,
	                            (uint32_t)a2, a3);
	object_put(object);
	return error;
}

error_t sys_poll_remove(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_POLL, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	error = poll_entry_remove(poll_from_object(object), &caller()->handles, (handle_t)a1);
	object_put(object);
	return error;
}

error_t sys_timer_create(SYSCALL_ARGS)
{
	struct timer *timer;
	error_t error = timer_object_create(caller()->account, &timer);

	return error != 0 ? error : give_handle(timer_object(timer), a0);
}

error_t sys_timer_set(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_TIMER, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	timer_object_set(timer_from_object(object), a1);
	object_put(object);
	return 0;
}

error_t sys_event_create(SYSCALL_ARGS)
{
	struct event *event;
	error_t error = event_object_create(caller()->account, &event);

	return error != 0 ? error : give_handle(&event->object, a0);
}

error_t sys_event_signal(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_EVENT, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	event_object_signal(event_from_object(object), a1);
	object_put(object);
	return 0;
}

error_t sys_event_take(SYSCALL_ARGS)
{
	struct object *object;
	uint64_t count;
	error_t error = lookup(a0, OBJECT_EVENT, RIGHT_READ, &object);

	if (error != 0)
		return error;
	error = event_object_take(event_from_object(object), &count);
	if (error == 0) {
		error = user_write(a1, &count, sizeof(count));
		if (error != 0)
			event_object_signal(event_from_object(object), count);
	}
	object_put(object);
	return error;
}

error_t sys_interrupt_ack(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_INTERRUPT, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	interrupt_object_ack(interrupt_from_object(object));
	object_put(object);
	return 0;
}
