// SPDX-License-Identifier: MIT
#include "apps/vmm/guest_container_fake.h"

#include <stdlib.h>

#include "libs/base/string.h"
#include "libs/linux/api/runtime_internal.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/linux/run/guest_process.h"
#include "libs/linux/run/guest_query.h"
#include "libs/linux/vm/vm_share.h"
#include "libs/starina/syscall.h"
#include "libs/starina/system_objects_fake.h"

#define PROCESSES 4u
#define QUERIES 8u
#define OUTPUT_MAX 40000u

struct output {
	size_t left;  // bytes that were not taken
	bool waits;   // until it is resumed
};

struct guest_process {
	const struct guest_process_ops *ops;
	void *context;
	struct output output[2];
	bool input_waits;
};

struct guest_container {
	const struct guest_container_ops *ops;
	void *context;
	handle_t root, writable;
	struct output output[2];
	bool there, begun, started, input_waits, root_lost, writable_lost, ending;
	struct guest_process processes[PROCESSES];
	// One of them is set.
	struct {
		guest_stats_fn stats;
		guest_top_fn top;
		guest_done_fn done;
		void *context;
	} queries[QUERIES];
};

static struct guest_container guest;
static struct warm_vm warm;
static bool warm_there;
static uint8_t bytes[OUTPUT_MAX];

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool is_running(void)
{
	return guest.there && guest.started && !guest.ending;
}

// --- The runtime ---------------------------------------------------------------------------------

error_t linux_runtime_keep_warm(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus,
                                uint32_t count)
{
	(void)memory;
	(void)cpus;
	check(runtime != NULL);
	if (count == 0)
		warm_there = false;
	return fake_memory_fails() ? ERR_NO_MEMORY : 0;
}

struct warm_vm *pool_take(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	(void)pool;
	(void)memory;
	(void)cpus;
	return warm_there ? &warm : NULL;
}

void warm_vm_free(struct warm_vm *vm)
{
	check(vm == &warm && warm_there);
	warm_there = false;
}

void pool_give_up(struct pool *pool, struct warm_vm *vm)
{
	(void)pool;
	check(vm == &warm && warm_there);
	warm_there = false;
}

bool pool_address(struct pool *pool, uint64_t memory, uint32_t cpus, struct guest_address *out)
{
	(void)pool;
	(void)memory;
	(void)cpus;
	if (warm_there)
		*out = (struct guest_address){ .network.prefix_len = 24 };
	return warm_there;
}

struct vm_config vm_supply_config(const struct vm_supply *supply, uint64_t memory, uint32_t cpus)
{
	(void)supply;
	(void)memory;
	(void)cpus;
	return (struct vm_config){ 0 };
}

// --- The container -------------------------------------------------------------------------------

// A channel of a disk, which need not be one.
static void disk_close(handle_t *disk)
{
	fake_close(disk);
}

error_t guest_container_create(struct loop *loop, const struct guest_container_config *config,
                               const struct guest_container_ops *ops, void *context,
                               struct guest_container **out)
{
	handle_t writable = config->writable_disk;

	(void)loop;
	check(!guest.there && config->root_disk != HANDLE_NONE);
	check(config->num_shares <= VM_MAX_SHARES && config->config.data != NULL);
	if (fake_memory_fails() || config->config.len > 200) {
		disk_close(&writable);
		return config->config.len > 200 ? ERR_TOO_LARGE : ERR_NO_MEMORY;
	}
	guest = (struct guest_container){ .ops = ops,
		                          .context = context,
		                          .root = config->root_disk,
		                          .writable = writable,
		                          .there = true };
	*out = &guest;
	return 0;
}

void guest_container_start(struct guest_container *c)
{
	check(c == &guest && c->there && !c->begun);
	c->begun = true;
}

void guest_container_destroy(struct guest_container *c)
{
	check(c == &guest && c->there && c->ending);
	disk_close(&c->root);
	disk_close(&c->writable);
	c->there = false;
}

// Offers what was not taken.
static void offer(struct output *output, enum guest_stream stream, struct guest_process *p)
{
	struct span rest = { bytes, output->left };
	size_t taken;

	if (output->waits || rest.len == 0)
		return;
	taken = p != NULL ? p->ops->output(p->context, stream, rest)
			  : guest.ops->output(guest.context, stream, rest);
	check(taken <= rest.len);
	output->left -= taken;
	output->waits = output->left > 0;
}

static void resume(struct output *output, enum guest_stream stream, struct guest_process *p)
{
	output->waits = false;
	offer(output, stream, p);
}

static bool all_taken(const struct output *output)
{
	return output[0].left + output[1].left == 0;
}

static void end_processes(void)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		struct guest_process *p = &guest.processes[i];

		if (p->ops != NULL)
			p->ops->ended(p->context, GUEST_STATUS_KILLED, NULL);
	}
}

static void end_queries(void)
{
	for (size_t i = 0; i < QUERIES; i++) {
		guest_stats_fn stats = guest.queries[i].stats;
		guest_top_fn top = guest.queries[i].top;
		guest_done_fn done = guest.queries[i].done;
		void *context = guest.queries[i].context;

		memset(&guest.queries[i], 0, sizeof(guest.queries[i]));
		if (stats != NULL)
			stats(context, ERR_PEER_CLOSED, "it has ended", NULL);
		if (top != NULL)
			top(context, ERR_PEER_CLOSED, "it has ended", NULL, 0);
		if (done != NULL)
			done(context, ERR_PEER_CLOSED, "it has ended");
	}
}

void guest_fake_ends(int status, const char *error)
{
	if (!guest.there || guest.ending)
		return;
	guest.ending = true;
	end_queries();
	end_processes();
	guest.ops->ended(guest.context, status, error);
	check(!guest.there);
}

void guest_container_output_resume(struct guest_container *c, enum guest_stream stream)
{
	check(c == &guest && c->there);
	resume(&c->output[stream == GUEST_STDOUT ? 0 : 1], stream, NULL);
}

size_t guest_container_stdin_write(struct guest_container *c, struct span input)
{
	check(c == &guest && c->there);
	c->input_waits = input.len > 100;
	return input.len > 100 ? 100 : input.len;
}

void guest_container_stdin_close(struct guest_container *c)
{
	check(c == &guest && c->there);
}

void guest_container_root_reopened(struct guest_container *c, handle_t channel)
{
	check(c == &guest && c->there && c->root_lost && c->root == HANDLE_NONE);
	c->root_lost = false;
	c->root = channel;
}

void guest_container_writable_reopened(struct guest_container *c, handle_t channel)
{
	check(c == &guest && c->there && c->writable_lost && c->writable == HANDLE_NONE);
	c->writable_lost = false;
	c->writable = channel;
}

bool guest_container_lacked_memory(const struct guest_container *c)
{
	check(c == &guest && c->there && c->ending);
	return false;
}

bool guest_container_signal_is_ignored(uint32_t number)
{
	return number == 0 || number == 17 || number > 64;
}

void guest_container_signal(struct guest_container *c, uint32_t number)
{
	(void)number;
	check(c == &guest && c->there);
}

void guest_container_resize(struct guest_container *c, uint16_t rows, uint16_t columns)
{
	(void)rows;
	(void)columns;
	check(c == &guest && c->there);
}

void guest_container_kill_inside(struct guest_container *c)
{
	check(c == &guest && c->there);
}

void guest_container_kill(struct guest_container *c)
{
	check(c == &guest && c->there);
}

void guest_container_set_networks(struct guest_container *c, const struct netdev_networks *networks)
{
	(void)networks;
	check(c == &guest && c->there);
}

bool guest_container_address(const struct guest_container *c, struct guest_address *out)
{
	check(c == &guest && c->there);
	*out = (struct guest_address){ .network.prefix_len = 24 };
	return c->started;
}

// --- Added processes -----------------------------------------------------------------------------

error_t guest_container_exec(struct guest_container *c, struct span process,
                             const struct guest_process_ops *ops, void *context,
                             struct guest_process **out)
{
	check(c == &guest && c->there && (process.len == 0 || process.data != NULL));
	if (!is_running())
		return ERR_BAD_STATE;
	for (size_t i = 0; i < PROCESSES; i++) {
		struct guest_process *p = &c->processes[i];

		if (p->ops != NULL)
			continue;
		*p = (struct guest_process){ .ops = ops, .context = context };
		*out = p;
		return 0;
	}
	return ERR_LIMIT;
}

size_t guest_process_stdin_write(struct guest_process *p, struct span input)
{
	check(p->ops != NULL);
	p->input_waits = input.len > 50;
	return input.len > 50 ? 50 : input.len;
}

void guest_process_stdin_close(struct guest_process *p)
{
	check(p->ops != NULL);
}

void guest_process_output_resume(struct guest_process *p, enum guest_stream stream)
{
	check(p->ops != NULL);
	resume(&p->output[stream == GUEST_STDOUT ? 0 : 1], stream, p);
}

void guest_process_signal(struct guest_process *p, uint32_t number)
{
	(void)number;
	check(p->ops != NULL);
}

void guest_process_resize(struct guest_process *p, uint16_t rows, uint16_t columns)
{
	(void)rows;
	(void)columns;
	check(p->ops != NULL);
}

void guest_process_destroy(struct guest_process *p)
{
	check(p->ops != NULL);
	p->ops = NULL;
}

// --- What is asked of it -------------------------------------------------------------------------

// A place for one that is asked; QUERIES: there is none.
static error_t query_place(const struct guest_container *c, size_t *i)
{
	check(c == &guest && c->there);
	if (!is_running())
		return ERR_BAD_STATE;
	for (*i = 0; *i < QUERIES; ++*i)
		if (guest.queries[*i].stats == NULL && guest.queries[*i].top == NULL &&
		    guest.queries[*i].done == NULL)
			return 0;
	return ERR_LIMIT;
}

error_t guest_container_read_stats(struct guest_container *c, guest_stats_fn done, void *context)
{
	size_t i;
	error_t err = query_place(c, &i);

	if (err == 0) {
		guest.queries[i].stats = done;
		guest.queries[i].context = context;
	}
	return err;
}

error_t guest_container_list(struct guest_container *c, guest_top_fn done, void *context)
{
	size_t i;
	error_t err = query_place(c, &i);

	if (err == 0) {
		guest.queries[i].top = done;
		guest.queries[i].context = context;
	}
	return err;
}

error_t guest_container_freeze(struct guest_container *c, bool frozen, guest_done_fn done,
                               void *context)
{
	size_t i;
	error_t err = query_place(c, &i);

	(void)frozen;
	if (err == 0) {
		guest.queries[i].done = done;
		guest.queries[i].context = context;
	}
	return err;
}

error_t guest_container_keep(struct guest_container *c, guest_done_fn done, void *context)
{
	return guest_container_freeze(c, false, done, context);
}

error_t guest_container_limit(struct guest_container *c, const struct control_limits *limits,
                              guest_done_fn done, void *context)
{
	(void)limits;
	return guest_container_freeze(c, false, done, context);
}

// Answers the oldest; by an error if `how` is odd.
static void answer(uint8_t how, const uint8_t *data, size_t len)
{
	static const struct control_stats told = { .memory = UINT64_MAX };
	struct guest_top_entry entries[2] = { { .pid = 1, .command = { data, len } },
		                              { .pid = UINT32_MAX } };
	error_t error = how % 2 == 0 ? 0 : ERR_IO;

	for (size_t i = 0; i < QUERIES; i++) {
		guest_stats_fn stats = guest.queries[i].stats;
		guest_top_fn top = guest.queries[i].top;
		guest_done_fn done = guest.queries[i].done;
		void *context = guest.queries[i].context;

		if (stats == NULL && top == NULL && done == NULL)
			continue;
		memset(&guest.queries[i], 0, sizeof(guest.queries[i]));
		if (stats != NULL)
			stats(context, error, "why", error == 0 ? &told : NULL);
		if (top != NULL)
			top(context, error, NULL, entries, error == 0 ? how / 2 % 3 : 0);
		if (done != NULL)
			done(context, error, "");
		return;
	}
}

// --- What it does --------------------------------------------------------------------------------

// Writes, a little or much.
static void write(struct output *output, enum guest_stream stream, struct guest_process *p,
                  const uint8_t *data, size_t len)
{
	if (len > 0)
		memcpy(bytes, data, len);
	if (len == 1)
		len = OUTPUT_MAX;
	if (output->left == 0)
		output->left = len;
	offer(output, stream, p);
}

static void process_acts(struct guest_process *p, uint8_t how, const uint8_t *data, size_t len)
{
	enum guest_stream stream = how % 2 == 0 ? GUEST_STDOUT : GUEST_STDERR;

	if (p->ops == NULL)
		return;
	switch (how / 2 % 4) {
	case 0: p->ops->started(p->context); break;
	case 1:
	case 2: write(&p->output[how % 2], stream, p, data, len); break;
	default:
		if (how / 8 % 2 == 0 && p->input_waits) {
			p->input_waits = false;
			p->ops->input_ready(p->context);
		} else if (all_taken(p->output)) {
			p->ops->ended(p->context, how / 16,
			              how / 16 == 15 ? "it could not be" : NULL);
		}
		break;
	}
}

static void loses_disk(bool writable)
{
	if (!writable && !guest.root_lost && guest.root != HANDLE_NONE) {
		fake_close(&guest.root);
		guest.root_lost = true;
		guest.ops->root_lost(guest.context);
	} else if (writable && !guest.writable_lost && guest.writable != HANDLE_NONE) {
		fake_close(&guest.writable);
		guest.writable_lost = true;
		guest.ops->writable_lost(guest.context);
	}
}

void guest_fake_acts(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t more = how / 8;

	if (!guest.there || !guest.begun)
		return;
	if (!guest.started && how % 8 != 0 && how % 8 != 7)
		return;
	switch (how % 8) {
	case 0:
		if (guest.started)
			break;
		guest.started = true;
		guest.ops->started(guest.context, 1);
		break;
	case 1:
	case 2:
		write(&guest.output[how % 8 - 1], (enum guest_stream)(how % 8), NULL, data, len);
		break;
	case 3:
		if (guest.input_waits) {
			guest.input_waits = false;
			guest.ops->input_ready(guest.context);
		}
		break;
	case 4: answer(more, data, len); break;
	case 5:
		process_acts(&guest.processes[len > 0 ? data[0] % PROCESSES : 0],
		             len > 1 ? data[1] : more, data, len);
		break;
	case 6: loses_disk(more % 2 != 0); break;
	default:
		if (all_taken(guest.output))
			guest_fake_ends(more, more % 2 != 0 ? "its kernel panicked" : NULL);
		break;
	}
}

bool guest_fake_is_there(void)
{
	return guest.there;
}

void guest_fake_warm(bool is_there)
{
	warm_there = is_there;
}

void guest_fake_begin(void)
{
	guest = (struct guest_container){ 0 };
	warm_there = false;
}
