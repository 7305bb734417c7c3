// SPDX-License-Identifier: MIT
#include "kernel/object/channel.h"

#include "kernel/syscall/syscall.h"

error_t sys_channel_maker(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_CHANNEL, RIGHT_READ, &object);

	if (error != 0)
		return error;
	error = user_write(a1, channel_object_maker(channel_from_object(object)), APP_NAME_MAX);
	object_put(object);
	return error;
}

error_t sys_channel_create(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_end *ends[2];
	handle_t handles[2];
	error_t error = channel_object_create(process->account, ends);

	if (error != 0)
		return error;
	error = handle_insert(&process->handles, &ends[0]->object, ends[0]->object.ops->rights,
	                      &handles[0]);
	if (error != 0)
		goto out_put;
	error = handle_insert(&process->handles, &ends[1]->object, ends[1]->object.ops->rights,
	                      &handles[1]);
	if (error != 0)
		goto out_close_first;
	error = user_write(a0, handles, sizeof(handles));
	if (error == 0)
		goto out_put;
	(void)handle_table_close(&process->handles, handles[1]);
out_close_first:
	(void)handle_table_close(&process->handles, handles[0]);
out_put:
	object_put(&ends[0]->object);
	object_put(&ends[1]->object);
	return error;
}
