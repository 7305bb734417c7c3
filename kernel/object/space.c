// SPDX-License-Identifier: MIT
//
// The mapping area is handed out in chunks (kernel/mm/chunk.h); free ones wait in lists.
#include "kernel/object/space_private.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/chunk.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/random.h"
#include "kernel/sched/sched.h"
#include "libs/abi/launcher.h"
#include "libs/base/string.h"

#define AREA_START PROCESS_SEGMENTS_END
#define AREA_RANDOM_BLOCKS 0x4000u  // of BLOCK_SIZE: 32 GiB
#define MIN_SHIFT CHUNK_MIN_SHIFT
// What a call zeroes before others have their turns.
#define BYTES_AT_ONCE (64ul * 1024)

// --- Ranges of addresses ---

error_t mapping_alloc(struct space *space, struct mapping **out)
{
	struct mapping *mapping;
	error_t error = account_charge(space->account, sizeof(*mapping));

	if (error != 0)
		return error;
	mapping = kmalloc(sizeof(*mapping));
	if (mapping == NULL) {
		account_uncharge(space->account, sizeof(*mapping));
		return ERR_NO_MEMORY;
	}
	mapping->space = space;
	list_init(&mapping->entry);
	*out = mapping;
	return 0;
}

void mapping_free(struct mapping *mapping)
{
	account_uncharge(mapping->space->account, sizeof(*mapping));
	kfree(mapping);
}

// A range that was never used.
static struct mapping *carve_locked(struct space *space, unsigned shift, size_t guard,
                                    struct mapping **home)
{
	struct mapping *mapping;
	uintptr_t chunk;

	if (mapping_alloc(space, &mapping) != 0)
		return NULL;
	if (!chunk_carve(&space->next, USER_END, shift, &chunk)) {
		mapping_free(mapping);
		return NULL;
	}
	mapping->addr = chunk + guard;
	mapping->home = home;
	// A chunk is aligned to its size.
	mapping->one_table = guard == PAGE_SIZE && 1ul << shift <= BLOCK_SIZE;
	return mapping;
}

struct mapping *mapping_take_locked(struct space *space, size_t size, uint32_t prot)
{
	enum range_kind kind = size >= BLOCK_SIZE ? RANGE_BLOCKS : RANGE_PAGES;
	size_t guard = kind == RANGE_BLOCKS ? BLOCK_SIZE : PAGE_SIZE;
	struct mapping **home;
	struct mapping *mapping;
	unsigned shift;

	if (size == 0 || size > 1ul << (MIN_SHIFT + SPACE_NUM_SHIFTS - 2))
		return NULL;
	shift = chunk_shift(size, guard);
	home = &space->free[kind][shift - MIN_SHIFT];
	mapping = *home;
	if (mapping != NULL)
		*home = mapping->next_free;
	else
		mapping = carve_locked(space, shift, guard, home);
	if (mapping == NULL)
		return NULL;
	mapping->size = size;
	mapping->prot = prot;
	return mapping;
}

struct mapping *mapping_create_locked(struct space *space, size_t size, uint32_t prot)
{
	struct mapping *mapping = mapping_take_locked(space, size, prot);

	if (mapping != NULL)
		list_push_back(&space->mappings, &mapping->entry);
	return mapping;
}

static void free_owned_locked(struct space *space, const struct mapping *mapping)
{
	// One fence for all pages. Nobody runs the process, or only this thread will again.
	arch_space_unmap_keeping(&space->arch, mapping->addr, mapping->size);
	for (size_t offset = 0; offset < mapping->size; offset += PAGE_SIZE) {
		paddr_t page;

		if (arch_space_take_kept(&space->arch, mapping->addr + offset, &page))
			page_free(page, 0);
	}
}

void mapping_destroy_locked(struct mapping *mapping)
{
	struct space *space = mapping->space;

	if (mapping->owned)
		free_owned_locked(space, mapping);
	else
		mapping_unmap_locked(mapping, 0, mapping->size);
	list_remove(&mapping->entry);
	if (mapping->home == NULL) {
		mapping_free(mapping);
		return;
	}
	mapping->owned = false;
	mapping->folio = NULL;
	mapping_wait_locked(mapping);
}

void mapping_destroy(struct mapping *mapping)
{
	struct space *space = mapping->space;

	spin_lock(&space->lock);
	mapping_destroy_locked(mapping);
	spin_unlock(&space->lock);
}

// --- Pages ---

// The page tables that the space has more than before are charged.
static error_t charge_tables_locked(struct space *space)
{
	size_t more = space->arch.num_tables - space->charged_tables;
	error_t error = account_charge(space->account, more * PAGE_SIZE);

	if (error == 0)
		space->charged_tables += more;
	return error;
}

error_t space_map_locked(struct space *space, uintptr_t addr, paddr_t paddr, size_t size,
                         uint32_t prot)
{
	error_t error = arch_space_map(&space->arch, addr, paddr, size, prot);

	return error != 0 ? error : charge_tables_locked(space);
}

// Looks up the first entry of a range that lies in one table.
static error_t find_entries_locked(struct mapping *mapping)
{
	struct space *space = mapping->space;
	uint64_t *entry = arch_space_entry(&space->arch, mapping->addr);
	error_t error = entry != NULL ? charge_tables_locked(space) : ERR_NO_MEMORY;

	if (error == 0)
		mapping->first_pte = entry;
	return error;
}

error_t mapping_map_locked(struct mapping *mapping, size_t offset, paddr_t paddr, size_t size)
{
	error_t error = 0;

	if (mapping->first_pte == NULL && mapping->one_table)
		error = find_entries_locked(mapping);
	if (error != 0)
		return error;
	if (mapping->first_pte != NULL) {
		arch_space_fill(mapping->first_pte + offset / PAGE_SIZE, paddr, size,
		                mapping->prot);
		return 0;
	}
	return space_map_locked(mapping->space, mapping->addr + offset, paddr, size, mapping->prot);
}

error_t mapping_map(struct mapping *mapping, size_t offset, paddr_t paddr, size_t size)
{
	struct space *space = mapping->space;
	error_t error;

	spin_lock(&space->lock);
	error = mapping_map_locked(mapping, offset, paddr, size);
	spin_unlock(&space->lock);
	return error;
}

void mapping_unmap_locked(struct mapping *mapping, size_t offset, size_t size)
{
	struct arch_space *arch = &mapping->space->arch;

	if (mapping->first_pte != NULL)
		arch_space_clear(arch, mapping->first_pte + offset / PAGE_SIZE,
		                 mapping->addr + offset, size);
	else
		arch_space_unmap(arch, mapping->addr + offset, size);
}

// --- Memory of the space's own, and the kernel's ---

static error_t mapping_create(struct space *space, size_t size, uint32_t prot, struct mapping **out)
{
	spin_lock(&space->lock);
	*out = mapping_create_locked(space, size, prot);
	spin_unlock(&space->lock);
	return *out != NULL ? 0 : ERR_NO_MEMORY;
}

static error_t fill_page_zeroed(struct mapping *mapping, size_t offset)
{
	paddr_t page;
	error_t error = page_alloc(0, &page);

	if (error != 0)
		return error;
	error = mapping_map(mapping, offset, page, PAGE_SIZE);
	if (error != 0) {
		spin_lock(&mapping->space->lock);
		mapping_unmap_locked(mapping, offset, PAGE_SIZE);
		spin_unlock(&mapping->space->lock);
		page_free(page, 0);
	}
	return error;
}

error_t mapping_fill_zeroed(struct mapping *mapping)
{
	error_t error = 0;

	for (size_t offset = 0; error == 0 && offset < mapping->size; offset += PAGE_SIZE) {
		if (offset > 0 && offset % BYTES_AT_ONCE == 0 && !sched_preemption_point())
			error = ERR_BAD_STATE;
		else
			error = fill_page_zeroed(mapping, offset);
	}
	return error;
}

error_t space_map_zeroed(struct space *space, size_t size, uintptr_t *out)
{
	struct mapping *mapping;
	error_t error = mapping_create(space, size, SPACE_READ | SPACE_WRITE, &mapping);

	if (error != 0)
		return error;
	mapping->owned = true;
	error = mapping_fill_zeroed(mapping);
	if (error != 0) {
		mapping_destroy(mapping);
		return error;
	}
	*out = mapping->addr;
	return 0;
}

error_t space_map_pages(struct space *space, paddr_t paddr, size_t size, uintptr_t *out)
{
	struct mapping *mapping;
	error_t error = mapping_create(space, size, SPACE_READ, &mapping);

	if (error != 0)
		return error;
	error = mapping_map(mapping, 0, paddr, size);
	if (error != 0) {
		mapping_destroy(mapping);
		return error;
	}
	*out = mapping->addr;
	return 0;
}

void space_unmap(struct space *space, uintptr_t addr)
{
	spin_lock(&space->lock);
	list_for_each(pos, &space->mappings) {
		struct mapping *mapping = container_of(pos, struct mapping, entry);

		if (mapping->addr == addr) {
			mapping_destroy_locked(mapping);
			break;
		}
	}
	spin_unlock(&space->lock);
}

// --- The space ---

error_t space_create(struct account *account, struct space **out)
{
	struct space *space;
	uint32_t random;
	error_t error = account_charge(account, sizeof(*space) + PAGE_SIZE);

	if (error != 0)
		return error;
	space = kmalloc(sizeof(*space));
	if (space == NULL) {
		account_uncharge(account, sizeof(*space) + PAGE_SIZE);
		return ERR_NO_MEMORY;
	}
	error = arch_space_init(&space->arch);
	if (error != 0) {
		kfree(space);
		account_uncharge(account, sizeof(*space) + PAGE_SIZE);
		return error;
	}
	space->account = account;
	space->charged_tables = space->arch.num_tables;
	spinlock_init(&space->lock, LOCK_RANK_VM);
	list_init(&space->mappings);
	random_bytes(&random, sizeof(random));
	space->next = AREA_START + (uintptr_t)(random % AREA_RANDOM_BLOCKS) * BLOCK_SIZE;
	*out = space;
	return 0;
}

static void free_ranges(struct mapping *mapping)
{
	while (mapping != NULL) {
		struct mapping *next = mapping->next_free;

		mapping_free(mapping);
		mapping = next;
	}
}

void space_destroy(struct space *space)
{
	struct account *account = space->account;
	size_t tables = space->charged_tables;

	list_for_each_safe(pos, &space->mappings)
	{
		struct mapping *mapping = container_of(pos, struct mapping, entry);
		struct folio *source = mapping->source;

		kassert(mapping->folio == NULL);
		mapping_destroy(mapping);
		if (source != NULL)
			object_put(&source->object);
	}
	for (unsigned kind = 0; kind < 2; kind++) {
		for (unsigned i = 0; i < SPACE_NUM_SHIFTS; i++)
			free_ranges(space->free[kind][i]);
	}
	arch_space_deinit(&space->arch);
	kfree(space);
	account_uncharge(account, sizeof(*space) + tables * PAGE_SIZE);
}
