// SPDX-License-Identifier: MIT
#include "kernel/debug/panic.h"
#include "kernel/syscall/syscall.h"

#ifndef STARINA_DEBUG
#define STARINA_DEBUG 0
#endif

error_t user_read(void *dst, uintptr_t src, size_t len)
{
	if (STARINA_DEBUG && !process_owns(caller(), src, len, false))
		return ERR_ADDRESS;
	return copy_from_app(dst, src, len);
}

error_t user_write(uintptr_t dst, const void *src, size_t len)
{
	if (STARINA_DEBUG && !process_owns(caller(), dst, len, true))
		return ERR_ADDRESS;
	return copy_to_app(dst, src, len);
}

error_t user_check_out(uintptr_t out, size_t len)
{
	uint8_t bytes[64];
	error_t error;

	kassert(len <= sizeof(bytes));
	error = user_read(bytes, out, len);
	return error != 0 ? error : user_write(out, bytes, len);
}

error_t give_handle_with(struct object *object, rights_t rights, uintptr_t out)
{
	struct handle_table *table = &caller()->handles;
	handle_t handle;
	error_t error = handle_insert(table, object, rights, &handle);

	object_put(object);
	if (error != 0)
		return error;
	error = user_write(out, &handle, sizeof(handle));
	if (error != 0)
		(void)handle_table_close(table, handle);
	return error;
}

error_t give_handle(struct object *object, uintptr_t out)
{
	return give_handle_with(object, object->ops->rights, out);
}
