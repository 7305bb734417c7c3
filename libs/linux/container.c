// SPDX-License-Identifier: MIT

#include "libs/linux/container.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/container_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// The end is handled from the loop: it may be found deep inside a device model.
void container_settle_later(struct container *c)
{
	error_t err = timer_set(c->deferred_timer, 0);

	assert(err == 0);
}

void container_exit(struct container *c, int status)
{
	if (c->state >= CONTAINER_EXITED)
		return;
	c->state = CONTAINER_EXITED;
	c->status = status;
	container_be_patient(c, false);
	container_settle_later(c);
}

void container_fail(struct container *c, const char *format, ...)
{
	va_list args;

	if (c->state >= CONTAINER_EXITED)
		return;
	va_start(args, format);
	fmt_vwrite(c->error, sizeof(c->error), format, args);
	va_end(args);
	c->failed = true;
	container_exit(c, CONTAINER_STATUS_FAILED);
}

// Whether the app has taken all that the container wrote.
static bool output_taken(struct container *c)
{
	bool taken;

	machine_enter(&c->machine);
	taken = console_device_drain(&c->console, GUEST_PORT_STDOUT);
	taken = console_device_drain(&c->console, GUEST_PORT_STDERR) && taken;
	machine_leave(&c->machine);
	return taken;
}

static bool output_held(const struct container *c)
{
	return c->console.ports[GUEST_PORT_STDOUT].output_held || c->console.ports[GUEST_PORT_STDERR].output_held;
}

void container_settle(struct container *c)
{
	if (c->state != CONTAINER_EXITED || c->loading)
		return;
	if (c->has_machine) {
		// The guest first: all that its container wrote is in the queues, and no more of it is wanted.
		if (c->machine.num_running > 0) {
			machine_stop(&c->machine);
			return;  // `stopped` comes
		}
		if (!output_taken(c)) {
			if (!output_held(c))
				container_settle_later(c);
			return;  // else container_output_resume comes
		}
	}
	container_stats(c, &c->final_stats);
	container_boot_undo(c);
	c->state = CONTAINER_ENDED;
	c->ops->ended(c->context, c->status, c->failed ? c->error : NULL);
}

static void deferred_signalled(struct loop *loop, struct source *source)
{
	struct container *c = source->context;
	error_t err = timer_set(c->deferred_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	container_settle(c);
}

static const struct source_ops deferred_ops = {.signalled = deferred_signalled};

void container_be_patient(struct container *c, bool wait)
{
	nsec_t now = 0;
	error_t err = wait ? clock_get(CLOCK_MONOTONIC, &now) : 0;

	if (err == 0)
		err = timer_set(c->patience_timer, wait ? now + CONTAINER_PATIENCE : NSEC_NEVER);
	assert(err == 0);
}

static void patience_ended(struct loop *loop, struct source *source)
{
	struct container *c = source->context;

	(void)loop;
	if (c->state >= CONTAINER_EXITED)
		return;
	container_log_last_words(c);
	container_fail(c, "the guest %s in %u s", c->state == CONTAINER_BOOTING ? "did not boot" : "did not start its container",
	               (unsigned int)(CONTAINER_PATIENCE / NSEC_PER_SEC));
}

static const struct source_ops patience_ops = {.signalled = patience_ended};

static error_t add_timer(struct container *c, struct source *source, handle_t *timer, const struct source_ops *ops)
{
	error_t err = timer_create(timer);

	if (err < 0)
		return err;
	err = loop_add(c->loop, source, *timer, ops, c);
	if (err < 0)
		handle_close(*timer);
	return err;
}

// Of the config: what we need after container_create returned.
static error_t copy_config(struct container *c, const struct container_config *config)
{
	uint8_t *copy;

	if (config->config.len > CONTROL_MAX_BODY - sizeof(struct control_configure))
		return ERR_TOO_LARGE;
	copy = heap_alloc(config->config.len + 1);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	memcpy(copy, config->config.data, config->config.len);
	c->config = *config;
	c->config.config.data = copy;
	c->config.memory = (config->memory + BLOCK_SIZE - 1) & ~(uint64_t)(BLOCK_SIZE - 1);
	return 0;
}

static void root_ready(void *context)
{
	struct container *c = context;

	if (!c->root_lost) {
		container_boot(c);
		return;
	}
	c->root_lost = false;
	if (!c->has_cache) {
		container_boot(c);
	} else if (c->root_disk.num_sectors != c->root.num_sectors) {
		log_warn("the disk with the container's root image came back with another size");
		disk_cache_resume(&c->root_cache, ERR_IO);
	} else {
		log_info("the disk with the container's root image is back");
		disk_cache_resume(&c->root_cache, 0);
	}
}

static void root_failed(void *context, error_t error)
{
	struct container *c = context;

	if (error == ERR_PEER_CLOSED && c->ops->root_lost != NULL && c->state < CONTAINER_EXITED) {
		c->root_lost = true;
		c->ops->root_lost(c->context);
		return;
	}
	if (c->has_cache)
		disk_cache_resume(&c->root_cache, ERR_IO);
	// A running container sees input/output errors, as with any disk that dies.
	if (c->state <= CONTAINER_LOADING)
		container_fail(c, "the disk with the container's root image is gone (error %d)", (int)error);
	else
		log_warn("the disk with the container's root image is gone (error %d)", (int)error);
}

static const struct disk_ops root_ops = {.ready = root_ready, .failed = root_failed};

error_t container_create(struct loop *loop, const struct container_config *config, const struct container_ops *ops,
                         void *context, struct container **out)
{
	struct container *c;
	error_t err;

	if (config->memory < MACHINE_MIN_MEMORY || config->memory > MACHINE_MAX_MEMORY || config->cpus == 0 ||
	    config->cpus > MACHINE_MAX_CPUS || config->config.len == 0)
		return ERR_INVALID;
	c = heap_alloc(sizeof(*c));
	if (c == NULL)
		return ERR_NO_MEMORY;
	c->loop = loop;
	c->ops = ops;
	c->context = context;
	err = copy_config(c, config);
	if (err < 0)
		goto out_free;
	err = add_timer(c, &c->deferred, &c->deferred_timer, &deferred_ops);
	if (err < 0)
		goto out_config;
	err = add_timer(c, &c->patience, &c->patience_timer, &patience_ops);
	if (err < 0)
		goto out_deferred;
	err = disk_init(&c->root_disk, loop, config->root_disk, &root_ops, c);
	if (err < 0)
		goto out_patience;
	control_link_init(&c->link, container_frame, c);
	*out = c;
	return 0;

out_patience:
	loop_close(loop, &c->patience);
out_deferred:
	loop_close(loop, &c->deferred);
out_config:
	heap_free((void *)(uintptr_t)c->config.config.data);
out_free:
	heap_free(c);
	return err;
}

void container_destroy(struct container *c)
{
	assert(c->state == CONTAINER_CREATED || c->state == CONTAINER_ENDED);
	disk_deinit(&c->root_disk);
	control_link_deinit(&c->link);
	loop_close(c->loop, &c->deferred);
	loop_close(c->loop, &c->patience);
	heap_free((void *)(uintptr_t)c->config.config.data);
	heap_free(c);
}

void container_start(struct container *c)
{
	if (c->state != CONTAINER_CREATED)
		return;
	if (clock_get(CLOCK_MONOTONIC, &c->start_time) < 0)
		c->start_time = 0;
	c->state = CONTAINER_LOADING;
	container_boot(c);
}

size_t container_stdin_write(struct container *c, struct span bytes)
{
	size_t taken;

	if (c->state >= CONTAINER_EXITED || c->stdin_closed)
		return bytes.len;  // nobody will read it
	if (!c->has_machine)
		return 0;  // input_ready comes when the guest opens its stdin
	machine_enter(&c->machine);
	taken = console_device_input(&c->console, GUEST_PORT_STDIN, bytes);
	machine_leave(&c->machine);
	return taken;
}

void container_stdin_close(struct container *c)
{
	c->stdin_closed = true;
	if (!c->has_machine)
		return;
	machine_enter(&c->machine);
	console_device_set_open(&c->console, GUEST_PORT_STDIN, false);
	machine_leave(&c->machine);
}

void container_output_close(struct container *c, enum container_stream stream)
{
	uint32_t port = stream == CONTAINER_STDOUT ? GUEST_PORT_STDOUT : GUEST_PORT_STDERR;

	c->output_closed[port] = true;
	if (!c->has_machine)
		return;  // its device is made so
	machine_enter(&c->machine);
	console_device_set_open(&c->console, port, false);
	machine_leave(&c->machine);
}

void container_root_reopened(struct container *c, handle_t channel)
{
	error_t err;

	if (!c->root_lost || c->state >= CONTAINER_EXITED) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		return;
	}
	err = channel == HANDLE_NONE ? ERR_NOT_FOUND : disk_init(&c->root_disk, c->loop, channel, &root_ops, c);
	if (err == 0)
		return;  // root_ready comes
	if (channel != HANDLE_NONE)
		handle_close(channel);
	c->root_lost = false;
	root_failed(c, err);
}

void container_output_resume(struct container *c, enum container_stream stream)
{
	uint32_t port = stream == CONTAINER_STDOUT ? GUEST_PORT_STDOUT : GUEST_PORT_STDERR;

	if (!c->has_machine)
		return;
	machine_enter(&c->machine);
	console_device_resume(&c->console, port);
	machine_leave(&c->machine);
	if (c->state == CONTAINER_EXITED)
		container_settle_later(c);
}

// Linux's signals that do nothing, or only stop a process, by default: CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH.
#define SIGNALS_IGNORED                                                                            \
	(1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 20 | 1ull << 21 | 1ull << 22 | 1ull << 23 | 1ull << 28)

bool container_signal_is_ignored(uint32_t number)
{
	return number == 0 || number > 64 || (number < 32 && (SIGNALS_IGNORED >> number & 1) != 0);
}

void container_signal(struct container *c, uint32_t number)
{
	struct control_signal body = {.signal = number};

	if (number == 0 || number > 64)
		return;
	if (c->state < CONTAINER_RUNNING) {
		// Nobody is there to handle it: its default is what happens.
		if (!container_signal_is_ignored(number))
			container_exit(c, 128 + (int)number);
	} else if (number == CONTAINER_SIGKILL) {
		container_kill(c);  // needs no guest that still listens
	} else if (c->state == CONTAINER_RUNNING) {
		container_request(c, CONTROL_SIGNAL, (struct span){.data = (const uint8_t *)&body, .len = sizeof(body)},
		                  (struct span){0});
	}
}

void container_resize(struct container *c, uint16_t rows, uint16_t columns)
{
	struct control_resize body = {.rows = rows, .columns = columns};

	if (c->state == CONTAINER_RUNNING)
		container_request(c, CONTROL_RESIZE, (struct span){.data = (const uint8_t *)&body, .len = sizeof(body)},
		                  (struct span){0});
}

void container_kill(struct container *c)
{
	if (c->state != CONTAINER_CREATED)
		container_exit(c, 128 + (int)CONTAINER_SIGKILL);
}

void container_stats(struct container *c, struct vcpu_stats *out)
{
	*out = c->final_stats;
	if (c->has_machine)
		machine_stats(&c->machine, out);
}
