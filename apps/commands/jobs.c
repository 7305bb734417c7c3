// SPDX-License-Identifier: MIT
#include "apps/commands/commands.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define IMAGE_BUILTIN "builtin"

struct job *job_find(struct client *client, uint32_t id)
{
	list_for_each(entry, &client->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (job->id == id)
			return job;
	}
	return NULL;
}

void job_free(struct job *job)
{
	struct commands *commands = job->client->commands;

	container_free(job->container);
	list_remove(&job->entry);
	heap_free(job);
	if (--commands->num_jobs == 0)
		runtime_rests(commands);
}

static void job_ended(void *context, struct container *container, int status, const char *error)
{
	struct job *job = context;

	(void)container;
	client_tell_end(job->client, job->id, status, error);
	job_free(job);
}

static void describe(struct container *container, const struct msg_commands_run *run,
                     const struct run_request *request)
{
	if (request->num_args > 0)
		container_entrypoint(container, request->args[0]);
	for (size_t i = 1; i < request->num_args; i++)
		container_arg(container, request->args[i]);
	for (size_t i = 0; i < request->num_env; i++)
		container_env(container, request->env[i],
		              request->env[i] + strlen(request->env[i]) + 1);
	if (request->workdir[0] != '\0')
		container_workdir(container, request->workdir);
	if (request->user[0] != '\0')
		container_user(container, request->user);
	container_memory(container, run->memory > 0 ? run->memory : COMMAND_MEMORY);
	if ((run->flags & COMMANDS_TERMINAL) != 0)
		container_terminal(container, run->rows, run->columns);
	container_stdin(container, COMMAND_PIPED);
	container_stdout(container, COMMAND_PIPED);
	container_stderr(container,
	                 (run->flags & COMMANDS_TERMINAL) != 0 ? COMMAND_NULL : COMMAND_PIPED);
}

static void tell_started(struct job *job)
{
	struct msg_commands_started started = { .id = job->id };
	handle_t err_end = container_take_stderr(job->container);
	struct message m;
	error_t err = message_encode_commands_started(&m, &started, NULL, 0);

	assert(err == 0);
	m.handles[m.num_handles++] = container_take_stdin(job->container);
	m.handles[m.num_handles++] = container_take_stdout(job->container);
	if (err_end != HANDLE_NONE)
		m.handles[m.num_handles++] = err_end;
	client_send(job->client, &m);
}

static struct job *job_create(struct client *client, uint32_t id, const char *image)
{
	struct linux_runtime *runtime = runtime_take(client->commands);
	struct job *job = runtime != NULL ? heap_alloc(sizeof(*job)) : NULL;
	struct container *container = NULL;

	if (job != NULL)
		container = container_new(runtime, image[0] != '\0' ? image : IMAGE_BUILTIN);
	if (container == NULL) {
		if (runtime != NULL && client->commands->num_jobs == 0)
			runtime_rests(client->commands);
		heap_free(job);
		return NULL;
	}
	*job = (struct job){ .client = client, .id = id, .container = container };
	list_push_back(&client->jobs, &job->entry);
	client->commands->num_jobs++;
	return job;
}

void job_run(struct client *client, const struct msg_commands_run *run,
             const struct run_request *request)
{
	struct job *job;
	error_t err;

	if (client->commands->num_jobs == COMMANDS_MAX) {
		client_tell_end(client, run->id, COMMAND_STATUS_FAILED,
		                "too many commands run at once: end one first");
		return;
	}
	if (request->num_args == 0 && request->image[0] == '\0') {
		client_tell_end(client, run->id, COMMAND_STATUS_FAILED,
		                "there is nothing to run: name a program, or an image");
		return;
	}
	job = job_create(client, run->id, request->image);
	if (job == NULL) {
		client_tell_end(client, run->id, COMMAND_STATUS_FAILED, "memory is out");
		return;
	}
	describe(job->container, run, request);
	container_wait(job->container, job_ended, job);
	err = container_run(job->container);
	if (err < 0) {
		client_tell_end(client, run->id, COMMAND_STATUS_FAILED,
		                err == ERR_INVALID ? "its memory is 32 MiB to 8 GiB"
		                                   : error_text(err));
		job_free(job);
		return;
	}
	tell_started(job);
}
