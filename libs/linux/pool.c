// SPDX-License-Identifier: MIT
//
// VMs that wait for a container, booted up to READY. One boots at a time: each boot takes a hart for half a second, and there are
// containers to run.

#include "libs/linux/machine.h"
#include "libs/linux/runtime_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define REFILL_DELAY (250 * NSEC_PER_MSEC)

struct warm_vm {
	struct linux_runtime *runtime;
	struct warm_kind *kind;
	struct vm *vm;
	struct list entry;  // of the kind's or of those that end
	bool stopping;
	bool stopped;
};

// A container that has just started is let get on with it before the next boot takes its hart.
void pool_refill_soon(struct linux_runtime *runtime)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(runtime->pool.timer, now + REFILL_DELAY);
	assert(err == 0);
}

void pool_turn_later(struct linux_runtime *runtime)
{
	error_t err = timer_set(runtime->pool.timer, 0);

	assert(err == 0);
}

// Its VM is stopped and freed from the loop: what found the end may be deep inside a device model.
static void end(struct warm_vm *warm)
{
	struct pool *pool = &warm->runtime->pool;

	warm->kind->num_vms--;
	if (pool->booting == warm)
		pool->booting = NULL;
	list_push_back(&pool->ending, &warm->entry);
	pool_turn_later(warm->runtime);
}

// bootd waits, and rehearses a container while nobody wants one: the VM is for others when that is over.
static void warm_ready(void *context)
{
	(void)context;
}

static error_t warm_frame(void *context, const struct control_header *header, struct span body)
{
	struct warm_vm *warm = context;

	(void)body;
	if (header->type != CONTROL_EVENT_WARM || warm->runtime->pool.booting != warm)
		return ERR_PROTOCOL;
	warm->runtime->pool.booting = NULL;
	warm->kind->num_ready++;
	list_push_back(&warm->kind->vms, &warm->entry);
	pool_turn_later(warm->runtime);
	return 0;
}

static size_t warm_output(void *context, uint32_t port, struct span bytes)
{
	(void)context;
	(void)port;
	return bytes.len;
}

static void warm_input_ready(void *context, uint32_t port)
{
	(void)context;
	(void)port;
}

static void warm_failed(void *context, const char *error)
{
	struct warm_vm *warm = context;
	struct pool *pool = &warm->runtime->pool;

	log_warn("a virtual machine that was kept ready is lost: %s", error);
	if (pool->booting == warm) {
		pool->failed = true;
	} else {
		list_remove(&warm->entry);
		warm->kind->num_ready--;
	}
	end(warm);
}

static void warm_stopped(void *context)
{
	struct warm_vm *warm = context;

	warm->stopped = true;
	pool_turn_later(warm->runtime);
}

static const struct vm_ops warm_ops = {
	.ready = warm_ready,
	.frame = warm_frame,
	.output = warm_output,
	.input_ready = warm_input_ready,
	.failed = warm_failed,
	.stopped = warm_stopped,
};

static void boot_one(struct linux_runtime *runtime, struct warm_kind *kind)
{
	struct vm_config config = runtime_vm_config(runtime, kind->memory, kind->cpus);
	struct warm_vm *warm = heap_alloc(sizeof(*warm));
	error_t err = ERR_NO_MEMORY;

	if (warm != NULL)
		err = vm_create(runtime->loop, &config, &warm_ops, warm, &warm->vm);
	if (err < 0) {
		log_warn("no virtual machine to keep ready could be made (error %d)", (int)err);
		runtime->pool.failed = true;
		heap_free(warm);
		return;
	}
	warm->runtime = runtime;
	warm->kind = kind;
	kind->num_vms++;
	runtime->pool.booting = warm;
	runtime->stats.vms_booted++;
	vm_boot(warm->vm);
}

static void free_ending(struct pool *pool)
{
	list_for_each_safe(entry, &pool->ending)
	{
		struct warm_vm *warm = container_of(entry, struct warm_vm, entry);

		if (!warm->stopping) {
			warm->stopping = true;
			warm->stopped = vm_stop(warm->vm);
		}
		if (!warm->stopped)
			continue;
		list_remove(&warm->entry);
		vm_destroy(warm->vm);
		heap_free(warm);
	}
}

// Ends those of a kind that are more than what is wanted.
static void shrink(struct pool *pool, struct warm_kind *kind)
{
	while (kind->num_vms > kind->count) {
		struct list *entry = list_pop_front(&kind->vms);

		if (entry != NULL) {
			kind->num_ready--;
			end(container_of(entry, struct warm_vm, entry));
		} else if (pool->booting != NULL && pool->booting->kind == kind) {
			end(pool->booting);
		} else {
			break;
		}
	}
}

static void pool_turn(struct loop *loop, struct source *source)
{
	struct linux_runtime *runtime = source->context;
	struct pool *pool = &runtime->pool;
	error_t err = timer_set(pool->timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	free_ending(pool);
	if (pool->closing)
		return;
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++)
		shrink(pool, &pool->kinds[i]);
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		struct warm_kind *kind = &pool->kinds[i];

		if (pool->booting == NULL && !pool->failed && runtime->state == RUNTIME_READY &&
		    kind->num_vms < kind->count && runtime_has_memory(runtime, kind->memory))
			boot_one(runtime, kind);
	}
}

static const struct source_ops turn_ops = {.signalled = pool_turn};

error_t pool_init(struct linux_runtime *runtime)
{
	struct pool *pool = &runtime->pool;
	error_t err = timer_create(&pool->timer);

	if (err < 0)
		return err;
	err = loop_add(runtime->loop, &pool->turn, pool->timer, &turn_ops, runtime);
	if (err < 0) {
		handle_close(pool->timer);
		return err;
	}
	list_init(&pool->ending);
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++)
		list_init(&pool->kinds[i].vms);
	return 0;
}

void pool_deinit(struct linux_runtime *runtime)
{
	struct pool *pool = &runtime->pool;

	pool->closing = true;
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		pool->kinds[i].count = 0;
		shrink(pool, &pool->kinds[i]);
	}
	while (free_ending(pool), !list_is_empty(&pool->ending))
		(void)loop_turn(runtime->loop, NSEC_NEVER);
	loop_close(runtime->loop, &pool->turn);
}

static struct warm_kind *find_kind(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		if (pool->kinds[i].memory == memory && pool->kinds[i].cpus == cpus)
			return &pool->kinds[i];
	}
	return NULL;
}

bool pool_has(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus)
{
	struct warm_kind *kind = find_kind(&runtime->pool, memory, cpus);

	return kind != NULL && kind->num_ready > 0;
}

void pool_give_up(struct linux_runtime *runtime, struct vm *vm)
{
	struct warm_vm *warm = heap_alloc(sizeof(*warm));

	// Without memory for this one there is none for anything: the VM stays as it is, unused.
	if (warm == NULL)
		return;
	warm->runtime = runtime;
	warm->vm = vm;
	vm_set_owner(vm, &warm_ops, warm);
	list_push_back(&runtime->pool.ending, &warm->entry);
	pool_turn_later(runtime);
}

struct vm *pool_take(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus)
{
	struct warm_kind *kind = find_kind(&runtime->pool, memory, cpus);
	struct list *entry = kind != NULL ? list_pop_front(&kind->vms) : NULL;
	struct warm_vm *warm;
	struct vm *vm;

	if (kind != NULL)
		runtime->pool.failed = false;
	if (entry == NULL)
		return NULL;
	warm = container_of(entry, struct warm_vm, entry);
	vm = warm->vm;
	kind->num_ready--;
	kind->num_vms--;
	heap_free(warm);
	runtime->stats.warm_starts++;
	return vm;
}

error_t linux_runtime_keep_warm(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus, uint32_t count)
{
	struct warm_kind *kind = find_kind(&runtime->pool, memory, cpus);

	if (memory < MACHINE_MIN_MEMORY || memory > MACHINE_MAX_MEMORY || cpus == 0 || cpus > MACHINE_MAX_CPUS ||
	    count > LINUX_WARM_MAX)
		return ERR_INVALID;
	for (uint32_t i = 0; i < LINUX_WARM_KINDS && kind == NULL; i++) {
		if (runtime->pool.kinds[i].count == 0 && runtime->pool.kinds[i].num_vms == 0)
			kind = &runtime->pool.kinds[i];
	}
	if (kind == NULL)
		return ERR_LIMIT;
	kind->memory = memory;
	kind->cpus = cpus;
	kind->count = count;
	runtime->pool.failed = false;
	pool_turn_later(runtime);
	return 0;
}

static bool is_warm(const struct linux_runtime *runtime)
{
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		if (runtime->pool.kinds[i].num_ready < runtime->pool.kinds[i].count)
			return false;
	}
	return true;
}

error_t linux_runtime_wait_warm(struct linux_runtime *runtime, nsec_t deadline)
{
	while (!is_warm(runtime)) {
		error_t err;

		if (runtime->state == RUNTIME_FAILED || runtime->pool.failed)
			return ERR_IO;
		err = loop_turn(runtime->loop, deadline);
		if (err < 0)
			return err;
	}
	return 0;
}
