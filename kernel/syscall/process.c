// SPDX-License-Identifier: MIT
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/system.h"

error_t sys_thread_create(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct thread *thread;
	handle_t handle;
	error_t error;

	if (a2 > APP_DEFAULT_MEMORY)
		return ERR_LIMIT;
	if (a0 == 0)
		return ERR_ADDRESS;
	// Before there is a thread, which could not be taken back.
	if (a3 != 0) {
		error = user_check_handle(a3);
		if (error != 0)
			return error;
		error = handle_reserve(&process->handles, 1);
		if (error != 0)
			return error;
	}
	error = thread_create_app(process, (void (*)(void *))a0, (void *)a1, a2, &thread);
	if (error != 0) {
		if (a3 != 0)
			handle_unreserve(&process->handles, 1);
		return error;
	}
	if (a3 != 0) {
		object_handle_get(&thread->object);
		handle = handle_insert_reserved(&process->handles, &thread->object,
		                                thread->object.ops->rights);
		error = user_write(a3, &handle, sizeof(handle));
	}
	sched_wake(thread);
	return error;
}

error_t sys_thread_exit(SYSCALL_ARGS)
{
	sched_exit_current();
}

error_t sys_thread_yield(SYSCALL_ARGS)
{
	sched_yield();
	return 0;
}

error_t sys_process_exit(SYSCALL_ARGS)
{
	(void)process_end_begin(caller(), PROCESS_END_EXIT, (int32_t)a0);
	sched_exit_current();
}

error_t sys_process_info(SYSCALL_ARGS)
{
	struct process_info info;
	struct object *object;
	error_t error = lookup(a0, OBJECT_PROCESS, RIGHT_READ, &object);

	if (error != 0)
		return error;
	process_get_info(process_from_object(object), &info);
	error = user_write(a1, &info, sizeof(info));
	object_put(object);
	return error;
}

error_t sys_process_kill(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_PROCESS, RIGHT_CONTROL, &object);

	if (error != 0)
		return error;
	if (!process_end_begin(process_from_object(object), PROCESS_END_KILLED, 0))
		error = ERR_BAD_STATE;
	object_put(object);
	return error;
}
