// SPDX-License-Identifier: MIT
#include "kernel/object/channel.h"
#include "kernel/syscall/syscall.h"

error_t sys_channel_create(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_end *ends[2];
	handle_t handles[2];
	error_t error = channel_object_create(process->account, ends);

	if (error != 0)
		return error;
	error = handle_insert(&process->handles, &ends[0]->object, ends[0]->object.ops->rights, &handles[0]);
	if (error != 0)
		goto out_put;
	error = handle_insert(&process->handles, &ends[1]->object, ends[1]->object.ops->rights, &handles[1]);
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

error_t sys_channel_send(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_message *message;
	struct message_header header;
	struct object *object;
	error_t error = user_read(&header, a1, sizeof(header));

	if (error != 0)
		return error;
	if (header.len > MESSAGE_MAX_DATA || header.num_handles > MESSAGE_MAX_HANDLES)
		return ERR_INVALID;
	error = lookup(a0, OBJECT_CHANNEL, RIGHT_WRITE, &object);
	if (error != 0)
		return error;
	error = channel_message_create(&header, process->account, &message);
	if (error != 0)
		goto out_put;
	if (header.len > 0)
		error = user_read(channel_message_data(message), a1 + offsetof(struct message, data), header.len);
	if (error == 0)
		error = channel_end_send(channel_from_object(object), &process->handles, message);
	if (error != 0)
		channel_message_free(message);
out_put:
	object_put(object);
	return error;
}

error_t sys_channel_recv(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_message *message;
	struct object *object;
	size_t len;
	error_t error = lookup(a0, OBJECT_CHANNEL, RIGHT_READ, &object);

	if (error != 0)
		return error;
	error = channel_end_recv(channel_from_object(object), &process->handles, &message);
	if (error != 0)
		goto out_put;
	len = sizeof(struct message_header) + channel_message_header(message)->len;
	error = user_write(a1, channel_message_header(message), len);
	if (error == 0)
		channel_message_free(message);
	else
		channel_end_unrecv(channel_from_object(object), &process->handles, message);
out_put:
	object_put(object);
	return error;
}
