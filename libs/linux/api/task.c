// SPDX-License-Identifier: MIT

#include "libs/linux/api/task.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/machine/machine.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define MIB (1024ull * 1024)

// --- Building ------------------------------------------------------------------------------------

void task_builder_error(struct task *task, error_t error)
{
	if (task->builder_error == 0)
		task->builder_error = error;
}

void task_set_string(struct task *task, char **target, const char *text)
{
	char *copy = string_copy(text);

	if (copy == NULL)
		task_builder_error(task, ERR_NO_MEMORY);
	heap_free(*target);
	*target = copy;
}

void task_set_env(struct task *task, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;
	char *assignment = heap_alloc(size);
	error_t err = ERR_NO_MEMORY;

	if (assignment != NULL) {
		fmt_write(assignment, size, "%s=%s", name, value);
		err = strchr(name, '=') != NULL ? ERR_INVALID
						: string_list_assign(&task->env, assignment);
	}
	heap_free(assignment);
	if (err < 0)
		task_builder_error(task, err);
}

void task_set_input(struct task *task, struct span bytes)
{
	uint8_t *copy = heap_alloc(bytes.len + 1);

	if (copy == NULL) {
		task_builder_error(task, ERR_NO_MEMORY);
		return;
	}
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	heap_free((void *)(uintptr_t)task->in.bytes.data);
	task->in.bytes = (struct span){ .data = copy, .len = bytes.len };
	task->in.stdio = COMMAND_NULL;
}

// --- The end -------------------------------------------------------------------------------------

static void destroy(struct task *task)
{
	task->runtime->num_tasks--;
	loop_close(task->runtime->supply.loop, &task->timer);
	task_streams_free(task);
	string_list_deinit(&task->args);
	string_list_deinit(&task->env);
	heap_free(task->image);
	heap_free(task->program);
	heap_free(task->workdir);
	heap_free(task->user);
	heap_free(task->hostname);
	for (uint32_t i = 0; i < task->num_mounts; i++)
		heap_free(task->mounts[i]);
	heap_free(task->shares);
	heap_free(task->owner);
}

// Everything of it is over but the telling.
static void end(struct task *task)
{
	task->state = TASK_ENDED;
	task->runtime->stats.running--;
	task_streams_close(task);
	if (task->on_ended != NULL)
		task->on_ended(task);
	pool_turn_later(&task->runtime->pool);
	task_set_timer(task, 0);
}

// It is over, and nobody will come back to it.
static void end_if_done(struct task *task)
{
	if (task->end_known && task->container == NULL && task->opening == 0 &&
	    task->state == TASK_WAITING)
		runtime_wait_cancel(&task->waiter);
	if (task->end_known && task->container == NULL && task->opening == 0 &&
	    task->state != TASK_ENDED)
		end(task);
}

void task_opening(struct task *task)
{
	task->opening++;
}

void task_opened(struct task *task)
{
	task->opening--;
	if (task->end_known)
		task_set_timer(task, 0);
}

static void tell(struct task *task)
{
	if (task->freed) {
		destroy(task);
	} else if (task->done != NULL && !task->told) {
		task->told = true;
		task->done(task);
	}
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	struct task *task = source->context;

	(void)loop;
	task_set_timer(task, NSEC_NEVER);
	if (task->state == TASK_ENDED) {
		tell(task);
	} else if (task->end_known) {
		end_if_done(task);
	} else {
		task_fail(task, COMMAND_STATUS_KILLED, "killed: it had not ended after %llu ms",
		          (unsigned long long)(task->timeout / NSEC_PER_MSEC));
	}
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

// --- The container -------------------------------------------------------------------------------

static void container_started(void *context, nsec_t start_ns)
{
	struct task *task = context;

	(void)start_ns;
	task->started = true;
	if (clock_get(CLOCK_MONOTONIC, &task->start_time) < 0)
		task->start_time = 0;
	pool_refill_soon(&task->runtime->pool);
	if (task->resized)
		task_resize(task, task->rows, task->columns);
	if (task->on_started != NULL)
		task->on_started(task);
}

static size_t container_output(void *context, enum guest_stream stream, struct span bytes)
{
	struct task *task = context;

	return task_output_write(stream == GUEST_STDOUT ? &task->out : &task->err, bytes);
}

static void container_input_ready(void *context)
{
	task_input_pump(context);
}

static void root_reopened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct task *task = opener->context;

	task->reopening = false;
	if (channel == HANDLE_NONE)
		log_error("%s: %s (%s)", opener->uri, text, error_text(error));
	if (task->container != NULL)
		guest_container_root_reopened(task->container, channel);
	else if (channel != HANDLE_NONE)
		handle_close(channel);
	task_opened(task);
}

// The disk's driver restarts: the guest's reads wait for its return.
static void container_root_lost(void *context)
{
	struct task *task = context;

	assert(!task->reopening);
	task->reopening = true;
	task_opening(task);
	opener_start(&task->opener, task->runtime->supply.loop, task->runtime->supply.blkdev,
	             "blk:images", root_reopened, task);
}

static void container_ended(void *context, int status, const char *error)
{
	struct task *task = context;

	if (!task->end_known) {
		task->end_known = true;
		task->status = status;
		task->failed = error != NULL;
		if (error != NULL)
			str_copy(task->error, error, sizeof(task->error));
	}
	guest_container_destroy(task->container);
	task->container = NULL;
	end_if_done(task);
}

static const struct guest_container_ops container_callbacks = {
	.started = container_started,
	.output = container_output,
	.input_ready = container_input_ready,
	.root_lost = container_root_lost,
	.ended = container_ended,
};

static error_t make_shares(struct task *task)
{
	if (task->num_mounts == 0)
		return 0;
	task->shares = heap_alloc(task->num_mounts * sizeof(*task->shares));
	if (task->shares == NULL)
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < task->num_mounts; i++)
		task->shares[i] = task->mounts[i]->share;
	return 0;
}

// A VM that waits has a container of the built-in image prepared, whose mounts are made.
static bool is_prepared_without_mounts(const struct task *task)
{
	return task->found == task->runtime->supply.builtin && task->num_mounts > 0;
}

static error_t create_container(struct task *task, handle_t disk)
{
	struct linux_runtime *runtime = task->runtime;
	struct json_writer config = { 0 };
	struct guest_container_config c = {
		.boot = vm_supply_config(&runtime->supply, task->memory, task->cpus),
		.root_disk = disk,
		.root_region = { .first_sector = task->found->first_sector,
		                 .num_sectors = task->found->num_sectors },
		.network = runtime->supply.vmnet,
	};
	struct warm_vm *warm;
	error_t err;

	err = task_config_write(task, task->found, &config);
	if (err == 0)
		err = make_shares(task);
	if (err == 0) {
		c.shares = task->shares;
		c.num_shares = task->num_mounts;
		c.config = (struct span){ .data = (const uint8_t *)config.text, .len = config.len };
		warm = is_prepared_without_mounts(task)
			? NULL
			: pool_take(&runtime->pool, task->memory, task->cpus);
		if (warm == NULL) {
			runtime->stats.vms_booted++;
		} else {
			c.vm = warm->vm;
			if (task->found == runtime->supply.builtin)
				c.root_disk = HANDLE_NONE;  // it is there
		}
		err = guest_container_create(runtime->supply.loop, &c, &container_callbacks, task,
		                             &task->container);
		if (err == 0 && warm != NULL)
			warm_vm_free(warm);
		else if (warm != NULL)
			pool_give_up(&runtime->pool, warm);
		if (err == 0 && c.root_disk != disk)
			handle_close(disk);
	}
	json_writer_deinit(&config);
	return err;
}

static bool has_memory(struct task *task)
{
	// A VM that waits has taken its share already; guests seldom use all of theirs.
	if (pool_has(&task->runtime->pool, task->memory, task->cpus) ||
	    vm_supply_has_memory(&task->runtime->supply, task->memory))
		return true;
	task_fail(
		task, COMMAND_STATUS_FAILED,
		"the machine has too little free memory for a guest of %llu MiB: ask for less, or give the machine more "
		"(STARINA_MEMORY)",
		(unsigned long long)(task->memory / MIB));
	return false;
}

// Starts the container on the image's disk; with HANDLE_NONE in a VM of the pool that has it.
static error_t launch(struct task *task, handle_t disk)
{
	error_t err = create_container(task, disk);

	if (err < 0) {
		task_fail(
			task, COMMAND_STATUS_FAILED,
			"the virtual machine could not be made (%s): memory is 32 MiB to 8 GiB, CPUs are 1 to 4",
			error_text(err));
		return err;
	}
	task->state = TASK_RUNNING;
	guest_container_start(task->container);
	task_input_pump(task);
	return 0;
}

static void disk_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct task *task = opener->context;

	task_opened(task);
	if (channel == HANDLE_NONE)
		task_fail(task, COMMAND_STATUS_FAILED,
		          "there is no disk with images (serial \"images\"): %s (%s)", text,
		          error_text(error));
	if (!task->end_known && has_memory(task) && launch(task, channel) == 0)
		return;
	if (channel != HANDLE_NONE)
		handle_close(channel);
}

// --- Start ---------------------------------------------------------------------------------------

// "a, b": what there is, for the error.
static void list_images(const struct linux_runtime *runtime, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < runtime->images.count && len < size; i++)
		len += fmt_write(out + len, size - len, "%s%s", i > 0 ? ", " : "",
		                 runtime->images.images[i].name);
}

static void runtime_settled(void *context)
{
	struct task *task = context;
	struct linux_runtime *runtime = task->runtime;
	char names[160];

	if (task->end_known)
		return;
	if (runtime->state != RUNTIME_READY) {
		task_fail(task, COMMAND_STATUS_FAILED, "%s", runtime->error);
		return;
	}
	task->found = image_index_find(&runtime->images, task->image);
	if (task->found == NULL) {
		list_images(runtime, names, sizeof(names));
		task_fail(
			task, COMMAND_STATUS_FAILED,
			"this system has no image \"%.64s\": name it in LINUXRUN_IMAGES; there is %s",
			task->image, names);
		return;
	}
	if (task->found == runtime->supply.builtin && task->num_mounts == 0 &&
	    pool_has(&runtime->pool, task->memory, task->cpus)) {
		(void)launch(task, HANDLE_NONE);
		return;
	}
	task_opening(task);
	opener_start(&task->opener, runtime->supply.loop, runtime->supply.blkdev, "blk:images",
	             disk_opened, task);
}

error_t task_start(struct task *task)
{
	nsec_t now = 0;
	error_t err;

	if (task->state != TASK_NEW)
		return ERR_BAD_STATE;
	if (task->builder_error < 0)
		return task->builder_error;
	if (task->memory < MACHINE_MIN_MEMORY || task->memory > MACHINE_MAX_MEMORY ||
	    task->cpus == 0 || task->cpus > MACHINE_MAX_CPUS)
		return ERR_INVALID;
	err = task_streams_open(task);
	if (err == 0 && task->timeout > 0)
		err = clock_get(CLOCK_MONOTONIC, &now);
	if (err < 0) {
		task_streams_close(task);
		return err;
	}
	task->state = TASK_WAITING;
	task->runtime->stats.running++;
	task_set_timer(task, task->timeout > 0 ? now + task->timeout : NSEC_NEVER);
	task->waiter.settled = runtime_settled;
	task->waiter.context = task;
	if (task->end_known)
		task_set_timer(task, 0);  // a command that is wrong in itself
	else if (task->runtime->state == RUNTIME_LOADING)
		runtime_wait(task->runtime, &task->waiter);
	else
		runtime_settled(task);
	return 0;
}

error_t task_init(struct task *task, struct linux_runtime *runtime, const char *image, void *owner)
{
	error_t err;

	task->runtime = runtime;
	task->owner = owner;
	task->cpus = 1;
	task->image = string_copy(image);
	task->out.task = task->err.task = task;
	task->out.stream = GUEST_STDOUT;
	task->err.stream = GUEST_STDERR;
	if (task->image == NULL)
		return ERR_NO_MEMORY;
	err = timer_create(&task->timer_handle);
	if (err < 0)
		goto out_image;
	err = loop_add(runtime->supply.loop, &task->timer, task->timer_handle, &timer_ops, task);
	if (err < 0)
		goto out_timer;
	runtime->num_owned++;
	runtime->num_tasks++;
	return 0;

out_timer:
	handle_close(task->timer_handle);
out_image:
	heap_free(task->image);
	return err;
}

void task_free(struct task *task)
{
	task->runtime->num_owned--;
	task->freed = true;
	task->done = NULL;
	if (task->state == TASK_NEW) {
		destroy(task);
	} else if (task->state == TASK_ENDED) {
		task_set_timer(task, 0);  // its owner may be in a callback of it
	} else {
		task->out.stdio = task->err.stdio = COMMAND_NULL;
		task_fail(task, COMMAND_STATUS_KILLED, "killed");
	}
}

void task_signal(struct task *task, uint32_t number)
{
	if (task->container != NULL && number != GUEST_SIGKILL)
		guest_container_signal(task->container, number);
	else if (task->state == TASK_RUNNING || task->state == TASK_WAITING) {
		if (number == GUEST_SIGKILL || !guest_container_signal_is_ignored(number))
			task_fail(task, 128 + (int)number, "killed");
	}
}

void task_resize(struct task *task, uint16_t rows, uint16_t columns)
{
	task->rows = rows;
	task->columns = columns;
	task->resized = !task->started;
	if (task->started && task->container != NULL)
		guest_container_resize(task->container, rows, columns);
}

void task_wait(struct task *task)
{
	if (task->state == TASK_ENDED)
		task_set_timer(task, 0);
}

void task_block(struct task *task)
{
	while (task->state != TASK_ENDED)
		(void)loop_turn(task->runtime->supply.loop, NSEC_NEVER);
}

void task_take_output(struct task *task, struct command_output *out)
{
	*out = (struct command_output){ .status = task->status,
		                        .stdout = task->out.collected,
		                        .stderr = task->err.collected };
	if (task->failed)
		str_copy(out->error, task->error, sizeof(out->error));
	task->out.collected = task->err.collected = (struct span){ 0 };
	task->out.capacity = task->err.capacity = 0;
}
