// SPDX-License-Identifier: MIT

#include "libs/linux/container.h"

#include <stdarg.h>

#include "libs/linux/api/container_internal.h"
#include "libs/starina/alloc.h"

static void started(struct task *task)
{
	container_connects_started(task->owner);
}

static void ended(struct task *task)
{
	container_publish_stop(task->owner);
	container_connects_ended(task->owner);
}

struct container *container_new(struct linux_runtime *runtime, const char *image)
{
	struct container *container = heap_alloc(sizeof(*container));

	if (container == NULL)
		return NULL;
	if (task_init(&container->task, runtime, image, container) < 0) {
		heap_free(container);
		return NULL;
	}
	list_init(&container->connects);
	container->task.memory = CONTAINER_MEMORY;
	container->task.out.stdio = container->task.err.stdio = COMMAND_COLLECT;
	container->task.out.drops = container->task.err.drops = true;
	container->task.on_started = started;
	container->task.on_ended = ended;
	return container;
}

void container_free(struct container *container)
{
	if (container == NULL)
		return;
	container_connects_ended(container);
	task_free(&container->task);
}

void container_entrypoint(struct container *container, const char *program)
{
	if (container != NULL)
		task_set_string(&container->task, &container->task.program, program);
}

void container_arg(struct container *container, const char *arg)
{
	error_t err;

	if (container == NULL)
		return;
	err = string_list_add(&container->task.args, arg);
	if (err < 0)
		task_builder_error(&container->task, err);
}

void container_args(struct container *container, ...)
{
	const char *arg;
	va_list args;

	va_start(args, container);
	while ((arg = va_arg(args, const char *)) != NULL)
		container_arg(container, arg);
	va_end(args);
}

void container_env(struct container *container, const char *name, const char *value)
{
	if (container != NULL)
		task_set_env(&container->task, name, value);
}

void container_workdir(struct container *container, const char *directory)
{
	if (container != NULL)
		task_set_string(&container->task, &container->task.workdir, directory);
}

void container_user(struct container *container, const char *user)
{
	if (container != NULL)
		task_set_string(&container->task, &container->task.user, user);
}

void container_hostname(struct container *container, const char *hostname)
{
	if (container != NULL)
		task_set_string(&container->task, &container->task.hostname, hostname);
}

void container_readonly(struct container *container, bool readonly)
{
	if (container != NULL)
		container->task.readonly = readonly;
}

void container_memory(struct container *container, uint64_t bytes)
{
	if (container != NULL && bytes > 0)
		container->task.memory = bytes;
}

void container_cpus(struct container *container, uint32_t cpus)
{
	if (container != NULL && cpus > 0)
		container->task.cpus = cpus;
}

void container_timeout(struct container *container, nsec_t duration)
{
	if (container != NULL)
		container->task.timeout = duration;
}

void container_publish(struct container *container, uint16_t port, uint16_t container_port)
{
	struct published_port *published;

	if (container == NULL)
		return;
	if (container->num_published == TASK_MAX_PUBLISHED || port == 0 || container_port == 0) {
		task_builder_error(&container->task,
		                   port == 0 || container_port == 0 ? ERR_INVALID : ERR_LIMIT);
		return;
	}
	published = &container->published[container->num_published++];
	*published = (struct published_port){ .container = container,
		                              .port = port,
		                              .container_port = container_port };
	list_init(&published->relays);
}

void container_terminal(struct container *container, uint16_t rows, uint16_t columns)
{
	if (container == NULL)
		return;
	container->task.terminal = true;
	container->task.rows = rows;
	container->task.columns = columns;
}

void container_stdin(struct container *container, enum command_stdio stdio)
{
	if (container != NULL)
		container->task.in.stdio = stdio;
}

void container_stdout(struct container *container, enum command_stdio stdio)
{
	if (container != NULL)
		container->task.out.stdio = stdio;
}

void container_stderr(struct container *container, enum command_stdio stdio)
{
	if (container != NULL)
		container->task.err.stdio = stdio;
}

void container_input(struct container *container, struct span bytes)
{
	if (container != NULL)
		task_set_input(&container->task, bytes);
}

error_t container_run(struct container *container)
{
	error_t err;

	if (container == NULL)
		return ERR_NO_MEMORY;
	err = task_start(&container->task);
	if (err == 0)
		container_publish_start(container);
	return err;
}

handle_t container_take_stdin(struct container *container)
{
	return container != NULL ? task_take_end(&container->task.in.app_end) : HANDLE_NONE;
}

handle_t container_take_stdout(struct container *container)
{
	return container != NULL ? task_take_end(&container->task.out.app_end) : HANDLE_NONE;
}

handle_t container_take_stderr(struct container *container)
{
	return container != NULL ? task_take_end(&container->task.err.app_end) : HANDLE_NONE;
}

static void tell_end(struct task *task)
{
	struct container *container = task->owner;

	container->done(container->context, container, task->status,
	                task->failed ? task->error : NULL);
}

void container_wait(struct container *container, container_done_fn done, void *context)
{
	if (container == NULL)
		return;
	container->done = done;
	container->context = context;
	container->task.done = tell_end;
	task_wait(&container->task);
}

void container_signal(struct container *container, uint32_t number)
{
	if (container != NULL)
		task_signal(&container->task, number);
}

void container_kill(struct container *container)
{
	container_signal(container, GUEST_SIGKILL);
}

void container_resize(struct container *container, uint16_t rows, uint16_t columns)
{
	if (container != NULL)
		task_resize(&container->task, rows, columns);
}

error_t container_wait_with_output(struct container *container, struct command_output *out)
{
	*out = (struct command_output){ .status = COMMAND_STATUS_FAILED };
	if (container == NULL || container->task.state == TASK_NEW)
		return ERR_BAD_STATE;
	task_block(&container->task);
	task_take_output(&container->task, out);
	return 0;
}
