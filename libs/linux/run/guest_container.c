// SPDX-License-Identifier: MIT

#include "libs/linux/run/guest_container.h"

#include "libs/abi/files.h"
#include "libs/base/string.h"
#include "libs/linux/run/guest_container_internal.h"
#include "libs/linux/run/guest_process_internal.h"
#include "libs/linux/run/guest_query_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// Whether the app has taken all that the container wrote.
static bool output_taken(struct guest_container *c)
{
	bool taken = vm_drain(c->vm, GUEST_PORT_STDOUT);

	return vm_drain(c->vm, GUEST_PORT_STDERR) && taken;
}

// Ends what can be ended now; comes again whenever something that it waits for has happened.
static void settle(struct guest_container *c)
{
	guest_processes_settle(c);
	if (c->state != CONTAINER_EXITED)
		return;
	// The guest first: all that its container wrote is in the queues, and no more of it is
	// wanted.
	if (!vm_stop(c->vm))
		return;  // `stopped` comes
	guest_processes_end(c);
	guest_queries_end(c);
	if (!output_taken(c)) {
		if (!vm_is_held(c->vm, GUEST_PORT_STDOUT) && !vm_is_held(c->vm, GUEST_PORT_STDERR))
			guest_container_settle_later(c);
		return;  // else guest_container_output_resume comes
	}
	vm_stats(c->vm, &c->final_stats);
	vm_destroy(c->vm);
	c->vm = NULL;
	c->state = CONTAINER_ENDED;
	c->ops->ended(c->context, c->status, c->failed ? c->error : NULL);
}

static void deferred_signalled(struct loop *loop, struct source *source)
{
	struct guest_container *c = source->context;
	error_t err = timer_set(c->deferred_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	settle(c);
}

static const struct source_ops deferred_ops = { .signalled = deferred_signalled };

static error_t add_timer(struct guest_container *c)
{
	error_t err = timer_create(&c->deferred_timer);

	if (err < 0)
		return err;
	err = loop_add(c->loop, &c->deferred, c->deferred_timer, &deferred_ops, c);
	if (err < 0)
		handle_close(c->deferred_timer);
	return err;
}

static error_t copy_config(struct guest_container *c, struct span config)
{
	uint8_t *copy;

	if (config.len == 0)
		return ERR_INVALID;
	if (config.len > CONTROL_MAX_BODY - sizeof(struct control_configure))
		return ERR_TOO_LARGE;
	copy = heap_alloc(config.len + 1);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	memcpy(copy, config.data, config.len);
	c->config = (struct span){ .data = copy, .len = config.len };
	return 0;
}

// --- What the VM has to say ----------------------------------------------------------------------

static void vm_ready(void *context)
{
	guest_container_advance(context);
}

static void vm_root_ready(void *context)
{
	struct guest_container *c = context;

	c->root_ready = true;
	guest_container_advance(c);
}

static bool vm_root_lost(void *context, error_t error)
{
	struct guest_container *c = context;

	if (error == ERR_PEER_CLOSED && c->ops->root_lost != NULL && c->state < CONTAINER_EXITED) {
		c->ops->root_lost(c->context);
		return true;
	}
	// A running container sees input/output errors, as with any disk that dies.
	if (c->state <= CONTAINER_BOOTING && !c->root_ready)
		guest_container_fail(c, "the disk with the container's root image is gone (%s)",
		                     error_text(error));
	return false;
}

static void vm_writable_ready(void *context)
{
	struct guest_container *c = context;

	c->writable_ready = true;
	guest_container_advance(c);
}

static bool vm_writable_lost(void *context, error_t error)
{
	struct guest_container *c = context;

	if (error == ERR_PEER_CLOSED && c->ops->writable_lost != NULL &&
	    c->state < CONTAINER_EXITED) {
		c->ops->writable_lost(c->context);
		return true;
	}
	if (c->state <= CONTAINER_BOOTING && !c->writable_ready)
		guest_container_fail(c, "the container's writable disk is gone (%s)",
		                     error_text(error));
	return false;
}

static size_t vm_output(void *context, uint32_t port, struct span bytes)
{
	struct guest_container *c = context;

	switch (port) {
	case GUEST_PORT_STDOUT: return c->ops->output(c->context, GUEST_STDOUT, bytes);
	case GUEST_PORT_STDERR: return c->ops->output(c->context, GUEST_STDERR, bytes);
	default: return bytes.len;
	}
}

static void vm_input_ready(void *context, uint32_t port)
{
	struct guest_container *c = context;

	if (port == GUEST_PORT_STDIN)
		c->ops->input_ready(c->context);
}

static void vm_failed(void *context, const char *error)
{
	guest_container_fail(context, "%s", error);
}

static void vm_stopped(void *context)
{
	guest_container_settle_later(context);
}

static const struct vm_ops container_vm_ops = {
	.ready = vm_ready,
	.frame = guest_container_frame,
	.output = vm_output,
	.input_ready = vm_input_ready,
	.root_ready = vm_root_ready,
	.root_lost = vm_root_lost,
	.writable_ready = vm_writable_ready,
	.writable_lost = vm_writable_lost,
	.network_settled = guest_container_network_settled,
	.failed = vm_failed,
	.stopped = vm_stopped,
};

// --- Interface -----------------------------------------------------------------------------------

static error_t take_root(struct guest_container *c, const struct guest_container_config *config)
{
	if (!vm_has_root(c->vm))
		return vm_bind_root(c->vm, config->root_disk, config->root_region);
	c->root_ready = config->root_disk == HANDLE_NONE;
	c->next_root = config->root_disk;
	c->next_root_region = config->root_region;
	return 0;
}

// The VM last: it is the caller's again when something fails.
static error_t take_vm(struct guest_container *c, const struct guest_container_config *config)
{
	error_t err;

	c->vm = config->vm;
	if (c->vm == NULL) {
		err = vm_create(c->loop, &config->boot, &container_vm_ops, c, &c->vm);
		if (err < 0)
			return err;
	}
	// The root disk last: with it the VM is no more one that a pool might keep.
	err = config->writable_disk != HANDLE_NONE ? vm_bind_writable(c->vm, config->writable_disk)
						   : 0;
	c->has_writable = err == 0 && config->writable_disk != HANDLE_NONE;
	if (err == 0)
		err = take_root(c, config);
	if (err < 0 && config->vm == NULL)
		vm_destroy(c->vm);
	else if (err == 0)
		vm_set_owner(c->vm, &container_vm_ops, c);
	return err;
}

error_t guest_container_create(struct loop *loop, const struct guest_container_config *config,
                               const struct guest_container_ops *ops, void *context,
                               struct guest_container **out)
{
	struct guest_container *c;
	bool writable_taken = false;
	error_t err;

	c = heap_alloc(sizeof(*c));
	if (c == NULL) {
		err = ERR_NO_MEMORY;
		goto out_disk;
	}
	c->loop = loop;
	c->ops = ops;
	c->context = context;
	list_init(&c->processes);
	list_init(&c->queries);
	c->next_process = CONTROL_PROCESS_INIT + 1;
	c->network = config->network;
	c->shares = config->shares;
	c->num_shares = config->num_shares;
	c->is_scratch = config->is_scratch;
	memcpy(c->address, config->address, sizeof(c->address));
	c->has_networks = config->networks != NULL;
	if (c->has_networks)
		c->networks = *config->networks;
	err = copy_config(c, config->config);
	if (err < 0)
		goto out_free;
	err = add_timer(c);
	if (err < 0)
		goto out_config;
	err = take_vm(c, config);
	if (err < 0)
		goto out_timer;
	*out = c;
	return 0;

out_timer:
	loop_close(loop, &c->deferred);
out_config:
	heap_free((void *)(uintptr_t)c->config.data);
out_free:
	writable_taken = c->has_writable;
	heap_free(c);
out_disk:
	if (config->writable_disk != HANDLE_NONE && !writable_taken)
		handle_close(config->writable_disk);
	return err;
}

void guest_container_destroy(struct guest_container *c)
{
	assert(c->state == CONTAINER_CREATED || c->state == CONTAINER_ENDED);
	if (c->vm != NULL) {
		bool stopped = vm_stop(c->vm);

		// One that has run was not started by us: it is taken from a pool, and stops in its
		// own time.
		assert(stopped);
		vm_destroy(c->vm);
	}
	if (c->next_root != HANDLE_NONE)
		handle_close(c->next_root);
	loop_close(c->loop, &c->deferred);
	heap_free((void *)(uintptr_t)c->config.data);
	heap_free(c);
}

static void join_network(struct guest_container *c)
{
	error_t err;

	if (c->network == HANDLE_NONE || c->state >= CONTAINER_EXITED)
		return;
	if (c->has_networks)
		vm_set_networks(c->vm, &c->networks);
	// One that was booted ahead may be on it already.
	if (vm_on_network(c->vm))
		return;
	err = vm_bind_network(c->vm, c->network, c->address);
	if (err < 0)
		guest_container_fail(c, "the container could not be put on the network (%s)",
		                     error_text(err));
}

static void open_files(struct guest_container *c)
{
	error_t err;

	// Without shares, too: the guest waits to hear that there are none.
	if (c->state >= CONTAINER_EXITED)
		return;
	err = vm_bind_files(c->vm, c->shares, c->num_shares);
	if (err < 0)
		guest_container_fail(c, "the container could not be given its volumes (%s)",
		                     error_text(err));
}

void guest_container_start(struct guest_container *c)
{
	if (c->state != CONTAINER_CREATED)
		return;
	if (clock_get(CLOCK_MONOTONIC, &c->start_time) < 0)
		c->start_time = 0;
	c->state = CONTAINER_BOOTING;
	if (!vm_is_ready(c->vm))
		vm_boot(c->vm);
	join_network(c);
	open_files(c);
	if (c->next_root != HANDLE_NONE) {
		vm_be_patient(c->vm, "release its root disk");
		guest_container_request(c, CONTROL_RELEASE, (struct span){ 0 }, (struct span){ 0 });
	}
	guest_container_advance(c);
}

size_t guest_container_stdin_write(struct guest_container *c, struct span bytes)
{
	if (c->state >= CONTAINER_EXITED || c->stdin_closed)
		return bytes.len;  // nobody will read it
	return vm_input(c->vm, GUEST_PORT_STDIN, bytes);
}

void guest_container_stdin_close(struct guest_container *c)
{
	c->stdin_closed = true;
	if (c->vm != NULL)
		vm_port_set_open(c->vm, GUEST_PORT_STDIN, false);
}

static uint32_t port_of(enum guest_stream stream)
{
	return stream == GUEST_STDOUT ? GUEST_PORT_STDOUT : GUEST_PORT_STDERR;
}

void guest_container_output_close(struct guest_container *c, enum guest_stream stream)
{
	if (c->vm != NULL)
		vm_port_set_open(c->vm, port_of(stream), false);
}

void guest_container_output_resume(struct guest_container *c, enum guest_stream stream)
{
	if (c->vm == NULL)
		return;
	vm_resume(c->vm, port_of(stream));
	if (c->state == CONTAINER_EXITED)
		guest_container_settle_later(c);
}

void guest_container_root_reopened(struct guest_container *c, handle_t channel)
{
	if (c->vm != NULL && c->state < CONTAINER_EXITED)
		vm_root_reopened(c->vm, channel);
	else if (channel != HANDLE_NONE)
		handle_close(channel);
}

void guest_container_writable_reopened(struct guest_container *c, handle_t channel)
{
	if (c->vm != NULL && c->state < CONTAINER_EXITED)
		vm_writable_reopened(c->vm, channel);
	else if (channel != HANDLE_NONE)
		handle_close(channel);
}

// Linux's signals that do nothing, or only stop a process, by default: CHLD, CONT, STOP, TSTP,
// TTIN, TTOU, URG, WINCH.
#define SIGNALS_IGNORED                                                                \
	(1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 20 | 1ull << 21 | 1ull << 22 | \
	 1ull << 23 | 1ull << 28)

bool guest_container_signal_is_ignored(uint32_t number)
{
	return number == 0 || number > 64 || (number < 32 && (SIGNALS_IGNORED >> number & 1) != 0);
}

static void send_signal(struct guest_container *c, uint32_t number)
{
	struct control_signal body = { .signal = number };

	guest_container_request(
		c, CONTROL_SIGNAL,
		(struct span){ .data = (const uint8_t *)&body, .len = sizeof(body) },
		(struct span){ 0 });
}

void guest_container_signal(struct guest_container *c, uint32_t number)
{
	if (number == 0 || number > 64)
		return;
	if (c->state < CONTAINER_RUNNING) {
		// Nobody is there to handle it: its default is what happens.
		if (!guest_container_signal_is_ignored(number))
			guest_container_exit(c, 128 + (int)number);
	} else if (number == GUEST_SIGKILL) {
		guest_container_kill(c);  // needs no guest that still listens
	} else if (c->state == CONTAINER_RUNNING) {
		send_signal(c, number);
	}
}

void guest_container_kill_inside(struct guest_container *c)
{
	if (c->state < CONTAINER_RUNNING)
		guest_container_kill(c);
	else if (c->state == CONTAINER_RUNNING)
		send_signal(c, GUEST_SIGKILL);
}

void guest_container_resize(struct guest_container *c, uint16_t rows, uint16_t columns)
{
	struct control_resize body = { .rows = rows, .columns = columns };

	if (c->state == CONTAINER_RUNNING)
		guest_container_request(
			c, CONTROL_RESIZE,
			(struct span){ .data = (const uint8_t *)&body, .len = sizeof(body) },
			(struct span){ 0 });
}

void guest_container_kill(struct guest_container *c)
{
	if (c->state != CONTAINER_CREATED)
		guest_container_exit(c, 128 + (int)GUEST_SIGKILL);
}

bool guest_container_address(const struct guest_container *c, struct guest_address *out)
{
	return c->vm != NULL && vm_address(c->vm, out);
}

uint64_t guest_container_memory_used(const struct guest_container *c)
{
	return c->vm != NULL ? vm_memory_used(c->vm) : 0;
}

void guest_container_stats(struct guest_container *c, struct vcpu_stats *out)
{
	*out = c->final_stats;
	if (c->vm != NULL)
		vm_stats(c->vm, out);
}
