// SPDX-License-Identifier: MIT

#include "libs/linux/command.h"

#include <stdarg.h>

#include "libs/base/string.h"
#include "libs/linux/api/docker_command.h"
#include "libs/linux/api/task.h"
#include "libs/starina/alloc.h"

struct command {
	struct task task;
	bool is_docker;
	bool out_set, err_set;
	command_done_fn done;
	void *context;
};

struct command *command_new(struct linux_runtime *runtime, const char *program)
{
	struct command *command = heap_alloc(sizeof(*command));

	if (command == NULL)
		return NULL;
	if (task_init(&command->task, runtime, IMAGE_BUILTIN, command) < 0) {
		heap_free(command);
		return NULL;
	}
	command->task.memory = COMMAND_MEMORY;
	command->is_docker = strcmp(program, "docker") == 0;
	task_set_string(&command->task, &command->task.program, program);
	return command;
}

void command_free(struct command *command)
{
	if (command != NULL)
		task_free(&command->task);
}

void command_arg(struct command *command, const char *arg)
{
	error_t err;

	if (command == NULL)
		return;
	err = string_list_add(&command->task.args, arg);
	if (err < 0)
		task_builder_error(&command->task, err);
}

void command_args(struct command *command, ...)
{
	const char *arg;
	va_list args;

	va_start(args, command);
	while ((arg = va_arg(args, const char *)) != NULL)
		command_arg(command, arg);
	va_end(args);
}

void command_env(struct command *command, const char *name, const char *value)
{
	if (command != NULL)
		task_set_env(&command->task, name, value);
}

void command_cwd(struct command *command, const char *directory)
{
	if (command != NULL)
		task_set_string(&command->task, &command->task.workdir, directory);
}

void command_user(struct command *command, const char *user)
{
	if (command != NULL)
		task_set_string(&command->task, &command->task.user, user);
}

void command_image(struct command *command, const char *image)
{
	if (command != NULL)
		task_set_string(&command->task, &command->task.image, image);
}

void command_memory(struct command *command, uint64_t bytes)
{
	if (command != NULL && bytes > 0)
		command->task.memory = bytes;
}

void command_cpus(struct command *command, uint32_t cpus)
{
	if (command != NULL && cpus > 0)
		command->task.cpus = cpus;
}

void command_timeout(struct command *command, nsec_t duration)
{
	if (command != NULL)
		command->task.timeout = duration;
}

void command_stdin(struct command *command, enum command_stdio stdio)
{
	if (command != NULL)
		command->task.in.stdio = stdio;
}

void command_stdout(struct command *command, enum command_stdio stdio)
{
	if (command == NULL)
		return;
	command->task.out.stdio = stdio;
	command->out_set = true;
}

void command_stderr(struct command *command, enum command_stdio stdio)
{
	if (command == NULL)
		return;
	command->task.err.stdio = stdio;
	command->err_set = true;
}

void command_input(struct command *command, struct span bytes)
{
	if (command != NULL)
		task_set_input(&command->task, bytes);
}

error_t command_spawn(struct command *command)
{
	if (command == NULL)
		return ERR_NO_MEMORY;
	if (command->is_docker && command->task.state == TASK_NEW &&
	    command->task.builder_error == 0) {
		docker_command_parse(&command->task);
		if (command->task.memory == COMMAND_MEMORY)
			command->task.memory = CONTAINER_MEMORY;
	}
	return task_start(&command->task);
}

handle_t command_take_stdin(struct command *command)
{
	return command != NULL ? task_take_end(&command->task.in.app_end) : HANDLE_NONE;
}

handle_t command_take_stdout(struct command *command)
{
	return command != NULL ? task_take_end(&command->task.out.app_end) : HANDLE_NONE;
}

handle_t command_take_stderr(struct command *command)
{
	return command != NULL ? task_take_end(&command->task.err.app_end) : HANDLE_NONE;
}

static void tell_end(struct task *task)
{
	struct command *command = task->owner;

	command->done(command->context, command, task->status, task->failed ? task->error : NULL);
}

void command_wait(struct command *command, command_done_fn done, void *context)
{
	if (command == NULL)
		return;
	command->done = done;
	command->context = context;
	command->task.done = tell_end;
	task_wait(&command->task);
}

void command_signal(struct command *command, uint32_t number)
{
	if (command != NULL)
		task_signal(&command->task, number);
}

void command_kill(struct command *command)
{
	command_signal(command, GUEST_SIGKILL);
}

struct span command_collected(const struct command *command, bool of_stderr)
{
	if (command == NULL)
		return (struct span){ 0 };
	return of_stderr ? command->task.err.collected : command->task.out.collected;
}

error_t command_output(struct command *command, struct command_output *out)
{
	error_t err;

	*out = (struct command_output){ .status = COMMAND_STATUS_FAILED };
	if (command == NULL)
		return ERR_NO_MEMORY;
	if (!command->out_set)
		command->task.out.stdio = COMMAND_COLLECT;
	if (!command->err_set)
		command->task.err.stdio = COMMAND_COLLECT;
	err = command_spawn(command);
	if (err < 0)
		return err;
	task_block(&command->task);
	task_take_output(&command->task, out);
	return 0;
}

void command_output_deinit(struct command_output *out)
{
	heap_free((void *)(uintptr_t)out->stdout.data);
	heap_free((void *)(uintptr_t)out->stderr.data);
	*out = (struct command_output){ 0 };
}

error_t command_status(struct command *command, int *status)
{
	error_t err = command_spawn(command);

	if (err < 0)
		return err;
	task_block(&command->task);
	*status = command->task.status;
	return 0;
}
