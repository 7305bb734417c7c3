// SPDX-License-Identifier: MIT
//
// Processes that apps make. libs/starina/syscall.h has the contracts.
#include "kernel/object/launcher.h"

#include "kernel/object/folio.h"
#include "kernel/object/process_build.h"
#include "kernel/object/service.h"
#include "kernel/startup/environ.h"
#include "kernel/syscall/syscall.h"

error_t sys_process_create(SYSCALL_ARGS)
{
	struct process_options options;
	struct process *process;
	struct object *launcher;
	error_t error = lookup(a0, OBJECT_LAUNCHER, RIGHT_CONTROL, &launcher);

	if (error != 0)
		return error;
	error = user_read(&options, a1, sizeof(options));
	if (error == 0)
		error = launcher_make_process(launcher_from_object(launcher), &options, &process);
	object_put(launcher);
	if (error != 0)
		return error;
	object_get(&process->object);
	error = give_handle(&process->object, a2);
	// If the caller has none, this is the last, and ends the process.
	object_handle_put(&process->object);
	return error;
}

// A process that may be given things; put_unstarted() ends that. Errors: as lookup; ERR_BAD_STATE.
static error_t lookup_unstarted(uintptr_t handle, struct object **out)
{
	error_t error = lookup(handle, OBJECT_PROCESS, RIGHT_CONTROL, out);

	if (error != 0)
		return error;
	error = process_build_begin(process_from_object(*out));
	if (error != 0)
		object_put(*out);
	return error;
}

static void put_unstarted(struct object *object)
{
	process_build_end(process_from_object(object));
	object_put(object);
}

// A folio to be a part of a program, with a reference; HANDLE_NONE: NULL.
static error_t lookup_source(handle_t handle, struct folio **out)
{
	struct object *object;
	error_t error;

	*out = NULL;
	if (handle == HANDLE_NONE)
		return 0;
	error = lookup((uintptr_t)handle, OBJECT_FOLIO, RIGHT_MAP | RIGHT_READ, &object);
	if (error == 0)
		*out = folio_from_object(object);
	return error;
}

static void put_source(struct folio *folio)
{
	if (folio != NULL)
		object_put(&folio->object);
}

error_t sys_process_map(SYSCALL_ARGS)
{
	struct process_segment segment;
	struct object *process;
	struct folio *folio = NULL;
	error_t error = lookup_unstarted(a0, &process);

	if (error != 0)
		return error;
	error = user_read(&segment, a1, sizeof(segment));
	if (error == 0)
		error = lookup_source(segment.folio, &folio);
	if (error == 0)
		error = process_add_segment(process_from_object(process), &segment, folio);
	put_source(folio);
	put_unstarted(process);
	return error;
}

// The runtime of that name. Errors: ERR_NOT_FOUND, ERR_ADDRESS.
static error_t find_runtime(uintptr_t addr, uintptr_t len, const struct app_image **out)
{
	char name[APP_NAME_MAX];
	error_t error;

	if (len == 0 || len >= sizeof(name))
		return ERR_NOT_FOUND;
	name[len] = '\0';
	error = user_read(name, addr, len);
	if (error != 0)
		return error;
	*out = app_image_find_runtime(name);
	return *out != NULL ? 0 : ERR_NOT_FOUND;
}

static error_t map_runtime(struct process *process, const struct app_image *runtime, uintptr_t out)
{
	const struct process_runtime mapped = {
		.entry = (uintptr_t)runtime->spec->main,
		.thread_return = runtime->user->thread_return,
		.text_address = runtime->user->text_address,
		.text_size = runtime->user->text_size,
		.stack_size = runtime->spec->stack_size,
	};
	error_t error = user_check_out(out, sizeof(mapped));

	if (error == 0)
		error = process_add_runtime(process, runtime);
	return error != 0 ? error : user_write(out, &mapped, sizeof(mapped));
}

error_t sys_process_map_runtime(SYSCALL_ARGS)
{
	const struct app_image *runtime;
	struct object *process;
	error_t error = lookup_unstarted(a0, &process);

	if (error != 0)
		return error;
	error = find_runtime(a1, a2, &runtime);
	if (error == 0)
		error = map_runtime(process_from_object(process), runtime, a3);
	put_unstarted(process);
	return error;
}

error_t sys_process_grant(SYSCALL_ARGS)
{
	struct handle_table *table;
	struct object *process;
	struct object *object;
	rights_t rights;
	handle_t given;
	error_t error = lookup_unstarted(a0, &process);

	if (error != 0)
		return error;
	table = &process_from_object(process)->handles;
	// The address and the slot first: a handle that has moved is not taken back.
	error = user_check_handle(a2);
	if (error == 0)
		error = handle_reserve(table, 1);
	if (error != 0)
		goto out_put;
	error = handle_leave(&caller()->handles, (handle_t)a1, NULL, &object, &rights);
	if (error != 0) {
		handle_unreserve(table, 1);
		goto out_put;
	}
	given = handle_insert_reserved(table, object, rights);
	error = user_write(a2, &given, sizeof(given));
out_put:
	put_unstarted(process);
	return error;
}

// The environment, as its process will see it.
static error_t read_environ(struct process *process, uintptr_t addr)
{
	struct environ *env = process->env;
	error_t error = user_read(env, addr, sizeof(*env));

	if (error == 0 && env->num_entries > ENV_MAX_ENTRIES)
		error = ERR_INVALID;
	return error;
}

static error_t start(struct process *process, const struct process_start *how, uintptr_t env)
{
	struct folio *symbols;
	error_t error = lookup_source(how->symbols, &symbols);

	if (error == 0)
		error = read_environ(process, env);
	if (error == 0)
		error = process_begin(process, how, symbols);
	put_source(symbols);
	return error;
}

error_t sys_process_start(SYSCALL_ARGS)
{
	struct process_start how;
	struct process *process;
	struct object *object;
	error_t error = lookup_unstarted(a0, &object);

	if (error != 0)
		return error;
	process = process_from_object(object);
	error = user_read(&how, a1, sizeof(how));
	if (error == 0)
		error = process_build_last(process);
	if (error == 0) {
		error = start(process, &how, a2);
		if (error != 0)
			launcher_not_started(process);
	}
	put_unstarted(object);
	return error;
}

// --- Services ---

static error_t read_service_name(uintptr_t addr, uintptr_t len, char name[ENV_NAME_MAX])
{
	if (len == 0 || len >= ENV_NAME_MAX)
		return ERR_INVALID;
	name[len] = '\0';
	return user_read(name, addr, len);
}

static error_t check_launcher(uintptr_t handle, rights_t rights)
{
	struct object *object;
	error_t error = lookup(handle, OBJECT_LAUNCHER, rights, &object);

	if (error == 0)
		object_put(object);
	return error;
}

error_t sys_service_create(SYSCALL_ARGS)
{
	char name[ENV_NAME_MAX];
	struct service *service;
	error_t error = check_launcher(a0, RIGHT_CONTROL);

	if (error == 0)
		error = read_service_name(a1, a2, name);
	if (error == 0 && environ_find_service(name) != NULL)
		error = ERR_EXISTS;
	if (error == 0)
		error = service_create(name, caller()->account, &service);
	if (error != 0)
		return error;
	return give_handle_with(&service->connector, service->connector.ops->rights | RIGHT_CONTROL,
	                        a3);
}

error_t sys_service_provide(SYSCALL_ARGS)
{
	struct object *connector;
	struct object *process;
	handle_t given;
	error_t error = lookup(a0, OBJECT_CONNECTOR, RIGHT_CONTROL, &connector);

	if (error != 0)
		return error;
	error = lookup_unstarted(a1, &process);
	if (error != 0)
		goto out_connector;
	error = user_check_handle(a2);
	if (error == 0)
		error = service_give_provider(service_from_connector(connector),
		                              &process_from_object(process)->handles, &given);
	if (error == 0) {
		service_note_provider(service_from_connector(connector),
		                      process_from_object(process)->id);
		error = user_write(a2, &given, sizeof(given));
	}
	put_unstarted(process);
out_connector:
	object_put(connector);
	return error;
}

error_t sys_launcher_connector(SYSCALL_ARGS)
{
	char name[ENV_NAME_MAX];
	struct service *service;
	error_t error = check_launcher(a0, RIGHT_READ);

	if (error == 0)
		error = read_service_name(a1, a2, name);
	if (error != 0)
		return error == ERR_INVALID ? ERR_NOT_FOUND : error;
	service = environ_find_service(name);
	if (service == NULL)
		return ERR_NOT_FOUND;
	object_get(&service->connector);
	return give_handle(&service->connector, a3);
}

// --- What is kept ---

error_t sys_launcher_keep(SYSCALL_ARGS)
{
	struct object *launcher;
	error_t error = lookup(a0, OBJECT_LAUNCHER, RIGHT_CONTROL, &launcher);

	if (error != 0)
		return error;
	error = launcher_keep_handle(launcher_from_object(launcher), (uint32_t)a1,
	                             &caller()->handles, (handle_t)a2);
	object_put(launcher);
	return error;
}

error_t sys_launcher_kept(SYSCALL_ARGS)
{
	struct object *launcher;
	struct object *object;
	rights_t rights;
	error_t error = lookup(a0, OBJECT_LAUNCHER, RIGHT_READ, &launcher);

	if (error != 0)
		return error;
	error = launcher_find_kept(launcher_from_object(launcher), (uint32_t)a1, &object, &rights);
	object_put(launcher);
	return error != 0 ? error : give_handle_with(object, rights, a2);
}
