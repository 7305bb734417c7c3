// SPDX-License-Identifier: MIT
//
// VMs that wait for a container, booted up to READY. One boots at a time: each boot takes a hart
// for half a second, and there are containers to run.
#include "libs/linux/pool/pool.h"

#include "libs/linux/machine/machine.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define REFILL_DELAY (250 * NSEC_PER_MSEC)

// A container that has just started is let get on with it before the next boot takes its hart.
void pool_refill_soon(struct pool *pool)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(pool->timer, now + REFILL_DELAY);
	assert(err == 0);
}

void pool_turn_later(struct pool *pool)
{
	error_t err = timer_set(pool->timer, 0);

	assert(err == 0);
}

// It is stopped and freed from the loop: what found the end may be deep inside a device model.
static void end(struct warm_kind *kind, struct warm_vm *warm)
{
	struct pool *pool = kind->pool;

	warm_vm_retire(warm);
	kind->num_vms--;
	if (pool->booting == warm)
		pool->booting = NULL;
	list_push_back(&pool->ending, &warm->entry);
	pool_turn_later(kind->pool);
}

static void warm_ready(struct warm_vm *warm, void *context)
{
	struct warm_kind *kind = context;

	kind->pool->booting = NULL;
	kind->num_ready++;
	list_push_back(&kind->vms, &warm->entry);
	pool_turn_later(kind->pool);
}

static void warm_failed(struct warm_vm *warm, void *context)
{
	struct warm_kind *kind = context;

	if (warm->ready) {
		list_remove(&warm->entry);
		kind->num_ready--;
	} else if (!warm->root_lost) {
		kind->pool->failed = true;
	}
	end(kind, warm);
	// The driver restarts; the runtime hears of it, too.
	if (warm->root_lost)
		pool_refill_soon(kind->pool);
}

static void warm_stopped(struct warm_vm *warm, void *context)
{
	struct warm_kind *kind = context;

	(void)warm;
	pool_turn_later(kind->pool);
}

static const struct warm_vm_ops warm_ops = { .ready = warm_ready,
	                                     .failed = warm_failed,
	                                     .stopped = warm_stopped };

static void boot_one(struct pool *pool, struct warm_kind *kind)
{
	error_t err = warm_vm_boot(pool->supply, kind->memory, kind->cpus, &warm_ops, kind,
	                           &pool->booting);

	if (err < 0) {
		log_warn("no virtual machine to keep ready could be made (%s)", error_text(err));
		pool->failed = true;
		return;
	}
	kind->num_vms++;
	pool->vms_booted++;
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
	struct pool *pool = source->context;
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

		if (pool->booting == NULL && !pool->failed && pool->supply->ready &&
		    kind->num_vms < kind->count && vm_supply_has_memory(pool->supply, kind->memory))
			boot_one(pool, kind);
	}
}

static const struct source_ops turn_ops = { .signalled = pool_turn };

error_t pool_init(struct pool *pool, const struct vm_supply *supply)
{
	error_t err = timer_create(&pool->timer);

	if (err < 0)
		return err;
	err = loop_add(supply->loop, &pool->turn, pool->timer, &turn_ops, pool);
	if (err < 0) {
		handle_close(pool->timer);
		return err;
	}
	pool->supply = supply;
	list_init(&pool->ending);
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		list_init(&pool->kinds[i].vms);
		pool->kinds[i].pool = pool;
	}
	return 0;
}

void pool_deinit(struct pool *pool)
{
	pool->closing = true;
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		pool->kinds[i].count = 0;
		shrink(pool, &pool->kinds[i]);
	}
	while (free_ending(pool), !list_is_empty(&pool->ending))
		(void)loop_turn(pool->supply->loop, NSEC_NEVER);
	loop_close(pool->supply->loop, &pool->turn);
}

static struct warm_kind *find_kind(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		if (pool->kinds[i].memory == memory && pool->kinds[i].cpus == cpus)
			return &pool->kinds[i];
	}
	return NULL;
}

bool pool_has(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	struct warm_kind *kind = find_kind(pool, memory, cpus);

	return kind != NULL && kind->num_ready > 0;
}

bool pool_address(struct pool *pool, uint64_t memory, uint32_t cpus, struct guest_address *out)
{
	struct warm_kind *kind = find_kind(pool, memory, cpus);

	return kind != NULL && !list_is_empty(&kind->vms) &&
		vm_address(container_of(kind->vms.next, struct warm_vm, entry)->vm, out);
}

void pool_give_up(struct pool *pool, struct warm_vm *warm)
{
	list_push_back(&pool->ending, &warm->entry);
	pool_turn_later(pool);
}

struct warm_vm *pool_take(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	struct warm_kind *kind = find_kind(pool, memory, cpus);
	struct list *entry = kind != NULL ? list_pop_front(&kind->vms) : NULL;
	struct warm_vm *warm;

	if (kind != NULL)
		pool->failed = false;
	if (entry == NULL)
		return NULL;
	kind->num_ready--;
	kind->num_vms--;
	pool->vms_taken++;
	warm = container_of(entry, struct warm_vm, entry);
	warm_vm_retire(warm);
	return warm;
}

error_t pool_keep(struct pool *pool, uint64_t memory, uint32_t cpus, uint32_t count)
{
	struct warm_kind *kind = find_kind(pool, memory, cpus);

	if (memory < MACHINE_MIN_MEMORY || memory > MACHINE_MAX_MEMORY || cpus == 0 ||
	    cpus > MACHINE_MAX_CPUS || count > LINUX_WARM_MAX)
		return ERR_INVALID;
	for (uint32_t i = 0; i < LINUX_WARM_KINDS && kind == NULL; i++) {
		if (pool->kinds[i].count == 0 && pool->kinds[i].num_vms == 0)
			kind = &pool->kinds[i];
	}
	if (kind == NULL)
		return ERR_LIMIT;
	kind->memory = memory;
	kind->cpus = cpus;
	kind->count = count;
	pool->failed = false;
	pool_turn_later(pool);
	return 0;
}

uint32_t pool_num_ready(const struct pool *pool)
{
	uint32_t ready = 0;

	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++)
		ready += pool->kinds[i].num_ready;
	return ready;
}

bool pool_is_full(const struct pool *pool)
{
	for (uint32_t i = 0; i < LINUX_WARM_KINDS; i++) {
		if (pool->kinds[i].num_ready < pool->kinds[i].count)
			return false;
	}
	return true;
}
