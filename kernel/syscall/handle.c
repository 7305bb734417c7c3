// SPDX-License-Identifier: MIT
#include "kernel/syscall/syscall.h"

error_t sys_null_call(SYSCALL_ARGS)
{
	return 0;
}

error_t sys_handle_close(SYSCALL_ARGS)
{
	return handle_table_close(&caller()->handles, (handle_t)a0);
}

error_t sys_handle_duplicate(SYSCALL_ARGS)
{
	struct handle_table *table = &caller()->handles;
	handle_t handle;
	error_t error = handle_table_duplicate(table, (handle_t)a0, (rights_t)a1, &handle);

	if (error != 0)
		return error;
	error = user_write(a2, &handle, sizeof(handle));
	if (error != 0)
		(void)handle_table_close(table, handle);
	return error;
}
