// SPDX-License-Identifier: MIT
#include "kernel/object/system.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/log.h"
#include "kernel/object/folio.h"
#include "kernel/object/random.h"
#include "kernel/object/service.h"
#include "kernel/startup/services.h"
#include "kernel/syscall/syscall.h"
#include "libs/base/string.h"

#define RANDOM_MAX 4096u
#define RANDOM_STEP 256u
#define LOG_MAX 512u

error_t sys_service_connect(SYSCALL_ARGS)
{
	struct process *process = caller();
	struct channel_end *end;
	struct object *object;
	error_t error = lookup(a0, OBJECT_CONNECTOR, RIGHT_READ, &object);

	if (error != 0)
		return error;
	error = service_object_connect(service_from_connector(object), process->account, &end);
	object_put(object);
	return error != 0 ? error : give_handle(&end->object, a1);
}

error_t sys_service_accept(SYSCALL_ARGS)
{
	struct handle_table *table = &caller()->handles;
	struct channel_end *end;
	struct object *object;
	handle_t handle;
	error_t error = lookup(a0, OBJECT_SERVICE, RIGHT_READ, &object);

	if (error != 0)
		return error;
	// The address and the slot first: nothing is lost on a full table.
	error = user_check_handle(a1);
	if (error == 0)
		error = handle_reserve(table, 1);
	if (error != 0)
		goto out_put;
	error = service_object_accept(service_from_object(object), &end);
	if (error != 0) {
		handle_unreserve(table, 1);
		goto out_put;
	}
	handle = handle_insert_reserved(table, &end->object, end->object.ops->rights);
	error = user_write(a1, &handle, sizeof(handle));
	if (error != 0)
		(void)handle_table_close(table, handle);
out_put:
	object_put(object);
	return error;
}

error_t sys_random_get(SYSCALL_ARGS)
{
	uint8_t bytes[RANDOM_STEP];
	error_t error = a1 > RANDOM_MAX ? ERR_TOO_LARGE : 0;

	for (size_t done = 0; error == 0 && done < a1; done += RANDOM_STEP) {
		size_t step = a1 - done < RANDOM_STEP ? a1 - done : RANDOM_STEP;

		random_bytes(bytes, step);
		error = user_write(a0 + done, bytes, step);
	}
	memset(bytes, 0, sizeof(bytes));
	__asm__ volatile("" : : "r"(bytes) : "memory");
	return error;
}

// The system handle, with these rights.
static error_t check_system(uintptr_t handle, rights_t rights)
{
	struct object *object;
	error_t error = lookup(handle, OBJECT_SYSTEM, rights, &object);

	if (error == 0)
		object_put(object);
	return error;
}

error_t sys_random_seed(SYSCALL_ARGS)
{
	uint8_t bytes[RANDOM_STEP];
	error_t error = a2 > RANDOM_MAX ? ERR_TOO_LARGE : check_system(a0, RIGHT_CONTROL);

	for (size_t done = 0; error == 0 && done < a2; done += RANDOM_STEP) {
		size_t step = a2 - done < RANDOM_STEP ? a2 - done : RANDOM_STEP;

		error = user_read(bytes, a1 + done, step);
		if (error == 0)
			random_mix(bytes, step);
	}
	return error;
}

error_t sys_clock_get(SYSCALL_ARGS)
{
	nsec_t now;
	error_t error = 0;

	if (a0 == CLOCK_MONOTONIC)
		now = arch_clock_now();
	else if (a0 == CLOCK_WALL)
		error = system_wall_clock(&now);
	else
		error = ERR_INVALID;
	return error != 0 ? error : user_write(a1, &now, sizeof(now));
}

error_t sys_clock_set(SYSCALL_ARGS)
{
	error_t error = check_system(a0, RIGHT_CONTROL);

	if (error == 0)
		system_set_wall_clock(a1);
	return error;
}

error_t sys_log_write(SYSCALL_ARGS)
{
	char line[LOG_MAX];
	size_t len = a2 < LOG_MAX ? a2 : LOG_MAX;
	error_t error;

	if (a0 > LOG_DEBUG)
		return ERR_INVALID;
	error = user_read(line, a1, len);
	if (error == 0)
		klog_app(caller()->name, (enum log_level)a0, line, len);
	return error;
}

error_t sys_console_put(SYSCALL_ARGS)
{
	char bytes[LOG_MAX];
	struct object *object;
	bool is_console;
	error_t error;

	if (a2 > LOG_MAX)
		return ERR_TOO_LARGE;
	error = lookup(a0, OBJECT_FOLIO, RIGHT_WRITE, &object);
	if (error != 0)
		return error;
	is_console = folio_from_object(object)->console;
	object_put(object);
	if (!is_console)
		return ERR_INVALID;
	error = user_read(bytes, a1, a2);
	if (error == 0)
		log_write_beside(bytes, a2);
	return error;
}

error_t sys_system_power_off(SYSCALL_ARGS)
{
	error_t error = check_system(a0, RIGHT_CONTROL);

	if (error != 0)
		return error;
	arch_power_off((int)a1);
}

error_t sys_system_info(SYSCALL_ARGS)
{
	struct system_info info;
	error_t error = check_system(a0, RIGHT_READ);

	if (error != 0)
		return error;
	system_get_info(&info);
	return user_write(a1, &info, sizeof(info));
}

static error_t read_name(uintptr_t addr, uintptr_t len, char name[APP_NAME_MAX])
{
	if (len == 0 || len >= APP_NAME_MAX)
		return ERR_NOT_FOUND;
	name[len] = '\0';
	return user_read(name, addr, len);
}

error_t sys_system_start_app(SYSCALL_ARGS)
{
	struct handle_table *table = &caller()->handles;
	char name[APP_NAME_MAX];
	struct process *process;
	handle_t handle;
	error_t error = check_system(a0, RIGHT_CONTROL);

	if (error == 0)
		error = read_name(a1, a2, name);
	// The address and the slot first: an app that runs is not taken back.
	if (error == 0)
		error = user_check_handle(a3);
	if (error == 0)
		error = handle_reserve(table, 1);
	if (error != 0)
		return error;
	error = services_start_app(name, &process);
	if (error != 0) {
		handle_unreserve(table, 1);
		return error;
	}
	object_handle_get(&process->object);
	handle = handle_insert_reserved(table, &process->object, process->object.ops->rights);
	object_put(&process->object);
	return user_write(a3, &handle, sizeof(handle));
}

// Who may only look at the system may only look at its processes. Consumes a reference.
static error_t give_process(uintptr_t system, struct process *process, uintptr_t out)
{
	rights_t rights = process->object.ops->rights;

	if (check_system(system, RIGHT_CONTROL) != 0)
		rights &= ~(rights_t)RIGHT_CONTROL;
	return give_handle_with(&process->object, rights, out);
}

error_t sys_system_find_process(SYSCALL_ARGS)
{
	char name[APP_NAME_MAX];
	struct process *process;
	error_t error = check_system(a0, RIGHT_READ);

	if (error == 0)
		error = read_name(a1, a2, name);
	if (error == 0)
		error = services_find_process(name, &process);
	if (error != 0)
		return error;
	return give_process(a0, process, a3);
}

error_t sys_system_open_process(SYSCALL_ARGS)
{
	struct process *process;
	error_t error = check_system(a0, RIGHT_READ);

	if (error != 0)
		return error;
	if (a1 == 0 || a1 > UINT32_MAX || process_collect((uint32_t)a1, &process, 1) == 0)
		return ERR_NOT_FOUND;
	if (process->id != a1) {
		object_put(&process->object);
		return ERR_NOT_FOUND;
	}
	return give_process(a0, process, a2);
}
