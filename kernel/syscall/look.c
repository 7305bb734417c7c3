// SPDX-License-Identifier: MIT
#include "kernel/object/look.h"

#include "kernel/syscall/syscall.h"

typedef error_t (*teller_t)(uint64_t argument, struct look_out *out);

static const teller_t tellers[] = {
	[LOOK_PROCESSES] = look_tell_processes,
	[LOOK_THREADS] = look_tell_threads,
	[LOOK_HARTS] = look_tell_harts,
	[LOOK_MEMORY] = look_tell_memory,
	[LOOK_LOG] = look_tell_log,
	[LOOK_SERVICES] = look_tell_services,
	[LOOK_CHANNELS] = look_tell_channels,
	[LOOK_VCPUS] = look_tell_vcpus,
	[LOOK_TRACE] = look_tell_trace,
	[LOOK_HANDLES] = look_tell_handles,
	[LOOK_INTERRUPTS] = look_tell_interrupts,
	[LOOK_APPS] = look_tell_apps,
};

error_t sys_look_read(SYSCALL_ARGS)
{
	struct look_out out = { .address = a3, .size = a4, .write = user_write };
	struct object *object;
	uint64_t total;
	error_t error;

	if (a4 > LOOK_MAX_BYTES)
		return ERR_TOO_LARGE;
	error = lookup(a0, OBJECT_LOOK, RIGHT_READ, &object);
	if (error != 0)
		return error;
	out.look = look_from_object(object);
	if (a1 >= sizeof(tellers) / sizeof(tellers[0]) || tellers[a1] == NULL)
		error = ERR_NOT_SUPPORTED;
	else
		error = tellers[a1](a2, &out);
	object_put(object);
	total = out.total;
	return error != 0 ? error : user_write(a5, &total, sizeof(total));
}

error_t sys_look_watch(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_LOOK, RIGHT_CONTROL, &object);

	if (error != 0)
		return error;
	error = look_object_watch(look_from_object(object), a1);
	object_put(object);
	return error;
}
