// SPDX-License-Identifier: MIT
//
// VMs that wait for a container, booted up to READY. One boots at a time: each boot takes a hart for half a second, and there are
// containers to run.

#include "libs/linux/machine/machine.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define REFILL_DELAY (250 * NSEC_PER_MSEC)

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

// It is stopped and freed from the loop: what found the end may be deep inside a device model.
static void end(struct warm_kind *kind, struct warm_vm *warm)
{
	struct pool *pool = &kind->runtime->pool;

	warm_vm_retire(warm);
	kind->num_vms--;
	if (pool->booting == warm)
		pool->booting = NULL;
	list_push_back(&pool->ending, &warm->entry);
	pool_turn_later(kind->runtime);
}

static void warm_ready(struct warm_vm *warm, void *context)
{
	struct warm_kind *kind = context;

	kind->runtime->pool.booting = NULL;
	kind->num_ready++;
	list_push_back(&kind->vms, &warm->entry);
	pool_turn_later(kind->runtime);
}

static void warm_failed(struct warm_vm *warm, void *context)
{
	struct warm_kind *kind = context;

	if (warm->ready) {
		list_remove(&warm->entry);
		kind->num_ready--;
	} else if (!warm->root_lost) {
		kind->runtime->pool.failed = true;
	}
	end(kind, warm);
	// The driver restarts; the runtime hears of it, too.
	if (warm->root_lost)
		pool_refill_soon(kind->runtime);
}

static void warm_stopped(struct warm_vm *warm, void *context)
{
	struct warm_kind *kind = context;

	(void)warm;
	pool_turn_later(kind->runtime);
}

static const struct warm_vm_ops warm_ops = {.ready = warm_ready, .failed = warm_failed, .stopped = warm_stopped};

static void boot_one(struct linux_runtime *runtime, struct warm_kind *kind)
{
	error_t err = warm_vm_boot(runtime, kind->memory, kind->cpus, &warm_ops, kind, &runtime->pool.booting);

	if (err < 0) {
		log_warn("no virtual machine to keep ready could be made (error %d)", (int)err);
		runtime->pool.failed = true;
		return;
	}
	kind->num_vms++;
	runtime->stats.vms_booted++;
}

static void free_ending(struct pool *pool)
{
	list_for_each_safe(entry, &pool->ending)
	{
		struct list *before = entry->prev;

		list_remove(entry);
		if (!warm_vm_end(container_of(entry, struct warm_vm, entry)))
			list_insert_after(before, entry);
	}
}

// Ends those of a kind that are more than what is wanted.
static void shrink(struct pool *pool, struct warm_kind *kind)
{
	while (kind->num_vms > kind->count) {
		struct list *entry = list_pop_front(&kind->vms);

		if (entry != NULL) {
			kind->num_ready--;
			end(kind, container_of(entry, struct warm_vm, entry));
		} else if (pool->booting != NULL && pool->booting->context == kind) {
			end(kind, pool->booting);
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
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++)
		shrink(pool, &pool->kinds[i]);
	free_ending(pool);
	if (pool->closing)
		return;
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
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		list_init(&pool->kinds[i].vms);
		pool->kinds[i].runtime = runtime;
	}
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

void pool_give_up(struct linux_runtime *runtime, struct warm_vm *warm)
{
	list_push_back(&runtime->pool.ending, &warm->entry);
	pool_turn_later(runtime);
}

struct warm_vm *pool_take(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus)
{
	struct warm_kind *kind = find_kind(&runtime->pool, memory, cpus);
	struct list *entry = kind != NULL ? list_pop_front(&kind->vms) : NULL;
	struct warm_vm *warm;

	if (kind != NULL)
		runtime->pool.failed = false;
	if (entry == NULL)
		return NULL;
	kind->num_ready--;
	kind->num_vms--;
	runtime->stats.warm_starts++;
	warm = container_of(entry, struct warm_vm, entry);
	warm_vm_retire(warm);
	return warm;
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
