// SPDX-License-Identifier: MIT
//
// Processes that are added to a container.

#include "libs/base/string.h"
#include "libs/linux/api/container_internal.h"
#include "libs/linux/run/guest_process.h"
#include "libs/starina/alloc.h"

_Static_assert(CONTAINER_MAX_EXECS == CONTROL_MAX_ADDED, "of a guest");

struct collected {
	struct span bytes;  // heap
	size_t capacity;
};

struct container_process {
	struct guest_process *process;  // NULL once it has ended
	struct loop *loop;
	struct container_exec exec;  // its callbacks
	struct collected collected[2];
	struct span input;  // heap
	size_t input_done;
	bool stdin_closed;
	int status;
	char error[LINUX_ERROR_MAX];
};

static void collect(struct container_process *p, bool of_stderr, struct span bytes)
{
	struct collected *c = &p->collected[of_stderr];
	size_t room = COMMAND_COLLECT_MAX - c->bytes.len;
	size_t len = bytes.len < room ? bytes.len : room;

	// What there is no memory for is dropped, as what is too much.
	if (!task_collect_reserve(&c->bytes, &c->capacity, len))
		return;
	memcpy((uint8_t *)(uintptr_t)c->bytes.data + c->bytes.len, bytes.data, len);
	c->bytes.len += len;
}

static size_t take_output(void *context, enum guest_stream stream, struct span bytes)
{
	struct container_process *p = context;

	if (p->exec.output != NULL)
		return p->exec.output(p->exec.context, stream == GUEST_STDERR, bytes);
	collect(p, stream == GUEST_STDERR, bytes);
	return bytes.len;
}

// Gives what is left of the input that came with the start.
static void pump(struct container_process *p)
{
	struct span rest = { .data = p->input.data + p->input_done,
		             .len = p->input.len - p->input_done };

	if (rest.len > 0)
		p->input_done += guest_process_stdin_write(p->process, rest);
	if (p->input_done == p->input.len && p->stdin_closed)
		guest_process_stdin_close(p->process);
}

static void take_input_ready(void *context)
{
	struct container_process *p = context;

	pump(p);
	if (p->input_done == p->input.len && !p->stdin_closed && p->exec.input_ready != NULL)
		p->exec.input_ready(p->exec.context);
}

static void take_ended(void *context, int status, const char *error)
{
	struct container_process *p = context;

	// The text is the process's own.
	str_copy(p->error, error != NULL ? error : "", sizeof(p->error));
	guest_process_destroy(p->process);
	p->process = NULL;
	p->status = status;
	if (p->exec.done != NULL)
		p->exec.done(p->exec.context, p, status, error != NULL ? p->error : NULL);
}

static const struct guest_process_ops process_ops = { .output = take_output,
	                                              .input_ready = take_input_ready,
	                                              .ended = take_ended };

static error_t start(struct container *container, struct container_process *p)
{
	struct json_writer config = { 0 };
	error_t err = task_exec_write(&container->task, &p->exec, &config);

	if (err == 0)
		err = guest_container_exec(
			container->task.container,
			(struct span){ .data = (const uint8_t *)config.text, .len = config.len },
			&process_ops, p, &p->process);
	json_writer_deinit(&config);
	return err;
}

static struct container_process *make(struct container *container,
                                      const struct container_exec *exec)
{
	struct container_process *p = heap_alloc(sizeof(*p));
	uint8_t *input = p != NULL && exec->input.len > 0 ? heap_alloc(exec->input.len) : NULL;

	if (p == NULL || (exec->input.len > 0 && input == NULL)) {
		heap_free(p);
		return NULL;
	}
	if (input != NULL)
		memcpy(input, exec->input.data, exec->input.len);
	p->input = (struct span){ .data = input, .len = exec->input.len };
	p->exec = *exec;
	p->stdin_closed = !exec->keeps_stdin;
	p->loop = container->task.runtime->supply.loop;
	return p;
}

error_t container_exec(struct container *container, const struct container_exec *exec,
                       struct container_process **out)
{
	struct container_process *p;
	error_t err;

	if (container == NULL || container->task.container == NULL || !container->task.started)
		return ERR_BAD_STATE;
	if (exec->args == NULL || exec->args[0] == NULL)
		return ERR_INVALID;
	p = make(container, exec);
	if (p == NULL)
		return ERR_NO_MEMORY;
	err = start(container, p);
	if (err < 0) {
		container_process_free(p);
		return err;
	}
	// A terminal's user says by a key that nothing more comes.
	pump(p);
	*out = p;
	return 0;
}

error_t container_exec_output(struct container *container, const struct container_exec *exec,
                              struct command_output *out)
{
	struct container_exec waited = *exec;
	struct container_process *p;
	error_t err;

	waited.done = NULL;
	err = container_exec(container, &waited, &p);
	*out = (struct command_output){ .status = COMMAND_STATUS_FAILED };
	if (err < 0)
		return err;
	while (p->process != NULL)
		(void)loop_turn(p->loop, NSEC_NEVER);
	out->status = p->status;
	str_copy(out->error, p->error, sizeof(out->error));
	out->stdout = p->collected[0].bytes;
	out->stderr = p->collected[1].bytes;
	p->collected[0].bytes = p->collected[1].bytes = (struct span){ 0 };
	container_process_free(p);
	return 0;
}

error_t container_wait_started(struct container *container)
{
	struct task *task = &container->task;

	while (task->state != TASK_NEW && !task->end_known && !task->started)
		(void)loop_turn(task->runtime->supply.loop, NSEC_NEVER);
	return task->started && task->container != NULL ? 0 : ERR_BAD_STATE;
}

size_t container_process_write(struct container_process *process, struct span bytes)
{
	if (process->process == NULL || process->stdin_closed)
		return bytes.len;  // nobody will read it
	if (process->input_done < process->input.len)
		return 0;  // `input_ready` comes
	return guest_process_stdin_write(process->process, bytes);
}

void container_process_close_stdin(struct container_process *process)
{
	process->stdin_closed = true;
	if (process->process != NULL)
		pump(process);
}

void container_process_resume(struct container_process *process, bool of_stderr)
{
	if (process->process != NULL)
		guest_process_output_resume(process->process,
		                            of_stderr ? GUEST_STDERR : GUEST_STDOUT);
}

void container_process_signal(struct container_process *process, uint32_t number)
{
	if (process->process != NULL)
		guest_process_signal(process->process, number);
}

void container_process_resize(struct container_process *process, uint16_t rows, uint16_t columns)
{
	if (process->process != NULL)
		guest_process_resize(process->process, rows, columns);
}

void container_process_free(struct container_process *process)
{
	if (process == NULL)
		return;
	if (process->process != NULL)
		guest_process_destroy(process->process);
	heap_free((void *)(uintptr_t)process->input.data);
	for (size_t i = 0; i < 2; i++)
		heap_free((void *)(uintptr_t)process->collected[i].bytes.data);
	heap_free(process);
}
