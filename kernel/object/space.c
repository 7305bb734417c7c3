// SPDX-License-Identifier: MIT
//
// The mapping area is handed out as the kernel's own (kernel/mm/vmap.c): in chunks of a power of
// two, each aligned to its size, whose first page is never mapped. A chunk is used again for ranges
// of its size.
#include "kernel/object/space_private.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/random.h"
#include "libs/abi/launcher.h"

#define AREA_START PROCESS_SEGMENTS_END
#define AREA_RANDOM_BLOCKS 0x4000u  // of BLOCK_SIZE: 32 GiB
#define MIN_SHIFT 13

static struct mapping *mapping_of(struct folio_user *user)
{
	return container_of(user, struct mapping, user);
}

// --- Ranges of addresses ---

error_t space_mapping_alloc(struct space *space, struct mapping **out)
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
	*out = mapping;
	return 0;
}

void space_mapping_free(struct mapping *mapping)
{
	account_uncharge(mapping->space->account, sizeof(*mapping));
	kfree(mapping);
}

static struct mapping *take_range_locked(struct space *space, size_t size)
{
	enum range_kind kind = size >= BLOCK_SIZE ? RANGE_BLOCKS : RANGE_PAGES;
	size_t guard = kind == RANGE_BLOCKS ? BLOCK_SIZE : PAGE_SIZE;
	unsigned shift = MIN_SHIFT;
	struct mapping *mapping;
	struct list *list;
	uintptr_t chunk;

	if (size == 0 || size > 1ul << (MIN_SHIFT + SPACE_NUM_SHIFTS - 2))
		return NULL;
	while (1ul << shift < size + guard)
		shift++;
	list = &space->free[kind][shift - MIN_SHIFT];
	if (!list_is_empty(list)) {
		mapping = container_of(list->next, struct mapping, entry);
		list_remove(&mapping->entry);
		return mapping;
	}
	chunk = (space->next + (1ul << shift) - 1) & ~((1ul << shift) - 1);
	if (chunk >= USER_END || USER_END - chunk < 1ul << shift ||
	    space_mapping_alloc(space, &mapping) != 0)
		return NULL;
	space->next = chunk + (1ul << shift);
	mapping->addr = chunk + guard;
	mapping->kind = kind;
	mapping->shift = shift;
	return mapping;
}

// A mapping with an address, in the list of used ones.
static error_t mapping_create(struct space *space, size_t size, uint32_t prot, struct mapping **out)
{
	struct mapping *mapping;

	spin_lock(&space->lock);
	mapping = take_range_locked(space, size);
	if (mapping != NULL) {
		mapping->size = size;
		mapping->prot = prot;
		mapping->owned = false;
		mapping->folio = NULL;
		mapping->handles = 0;
		list_push_back(&space->mappings, &mapping->entry);
	}
	spin_unlock(&space->lock);
	*out = mapping;
	return mapping != NULL ? 0 : ERR_NO_MEMORY;
}

static void free_owned_locked(struct space *space, const struct mapping *mapping)
{
	for (size_t offset = 0; offset < mapping->size; offset += PAGE_SIZE) {
		paddr_t page;

		// Unmapped before it is freed: nobody runs it, or only this thread will again.
		if (!arch_space_paddr(&space->arch, mapping->addr + offset, &page))
			continue;
		arch_space_unmap(&space->arch, mapping->addr + offset, PAGE_SIZE);
		page_free(page, 0);
	}
}

// Unmaps and gives the address back.
static void mapping_destroy_locked(struct mapping *mapping)
{
	struct space *space = mapping->space;

	if (mapping->owned)
		free_owned_locked(space, mapping);
	else
		arch_space_unmap(&space->arch, mapping->addr, mapping->size);
	list_remove(&mapping->entry);
	if (mapping->shift == 0) {
		space_mapping_free(mapping);
		return;
	}
	list_push_front(&space->free[mapping->kind][mapping->shift - MIN_SHIFT], &mapping->entry);
}

void space_mapping_destroy(struct mapping *mapping)
{
	struct space *space = mapping->space;

	spin_lock(&space->lock);
	mapping_destroy_locked(mapping);
	spin_unlock(&space->lock);
}

// Page tables are the process's kernel memory.
error_t space_map_locked(struct space *space, uintptr_t addr, paddr_t paddr, size_t size,
                         uint32_t prot)
{
	error_t error = arch_space_map(&space->arch, addr, paddr, size, prot);
	size_t more = space->arch.num_tables - space->charged_tables;

	if (error == 0 && more > 0) {
		error = account_charge(space->account, more * PAGE_SIZE);
		if (error == 0)
			space->charged_tables += more;
	}
	return error;
}

error_t space_map_at(struct mapping *mapping, size_t offset, paddr_t paddr, size_t size)
{
	struct space *space = mapping->space;
	error_t error;

	spin_lock(&space->lock);
	error = space_map_locked(space, mapping->addr + offset, paddr, size, mapping->prot);
	spin_unlock(&space->lock);
	return error;
}

// --- Memory of the space's own, and the kernel's ---

error_t space_mapping_fill(struct mapping *mapping)
{
	for (size_t offset = 0; offset < mapping->size; offset += PAGE_SIZE) {
		paddr_t page;
		error_t error = page_alloc(0, &page);

		if (error != 0)
			return error;
		error = space_map_at(mapping, offset, page, PAGE_SIZE);
		if (error != 0) {
			spin_lock(&mapping->space->lock);
			arch_space_unmap(&mapping->space->arch, mapping->addr + offset, PAGE_SIZE);
			spin_unlock(&mapping->space->lock);
			page_free(page, 0);
			return error;
		}
	}
	return 0;
}

error_t space_map_zeroed(struct space *space, size_t size, uintptr_t *out)
{
	struct mapping *mapping;
	error_t error = mapping_create(space, size, SPACE_READ | SPACE_WRITE, &mapping);

	if (error != 0)
		return error;
	mapping->owned = true;
	error = space_mapping_fill(mapping);
	if (error != 0) {
		space_mapping_destroy(mapping);
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
	error = space_map_at(mapping, 0, paddr, size);
	if (error != 0) {
		space_mapping_destroy(mapping);
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

// --- Folios ---

static void discard(struct folio_user *user, size_t offset, size_t length)
{
	struct mapping *mapping = mapping_of(user);

	spin_lock(&mapping->space->lock);
	arch_space_unmap(&mapping->space->arch, mapping->addr + offset, length);
	spin_unlock(&mapping->space->lock);
}

// The mapping of the folio in this space; the folio's lock is held. NULL: none.
struct mapping *space_find_locked(const struct space *space, const struct folio *folio)
{
	list_for_each(pos, &folio->users) {
		struct folio_user *user = container_of(pos, struct folio_user, entry);

		if (user->discard == discard && mapping_of(user)->space == space)
			return mapping_of(user);
	}
	return NULL;
}

static uint32_t space_prot(const struct folio *folio, uint32_t prot)
{
	return SPACE_READ | ((prot & PROT_WRITE) != 0 ? SPACE_WRITE : 0) |
		(folio->device ? SPACE_DEVICE : 0);
}

// Maps what is there already of a folio that is not lazy.
static error_t map_all(struct mapping *mapping)
{
	const struct folio *folio = mapping->folio;

	if ((folio->flags & FOLIO_LAZY) != 0)
		return 0;
	return space_map_at(mapping, 0, folio->paddr, folio->size);
}

// What is lazy is mapped anew at a touch. With one lock held, so that no thread meets it unmapped.
static void make_read_only(struct mapping *mapping)
{
	struct space *space = mapping->space;
	const struct folio *folio = mapping->folio;
	error_t error = 0;

	spin_lock(&space->lock);
	mapping->prot &= ~SPACE_WRITE;
	arch_space_unmap(&space->arch, mapping->addr, mapping->size);
	// Its tables are there: this cannot fail.
	if ((folio->flags & FOLIO_LAZY) == 0)
		error = space_map_locked(space, mapping->addr, folio->paddr, folio->size,
		                         mapping->prot);
	kassert(error == 0);
	spin_unlock(&space->lock);
}

// A folio that is mapped already, perhaps with more rights. The folio's lock is held.
static error_t add_prot_locked(struct mapping *mapping, uint32_t prot)
{
	struct space *space = mapping->space;
	error_t error;

	if ((prot & ~mapping->prot) == 0)
		return 0;
	spin_lock(&space->lock);
	// What is lazy is mapped anew at a touch.
	mapping->prot |= prot;
	spin_unlock(&space->lock);
	error = map_all(mapping);
	// What was changed already goes back.
	if (error != 0)
		make_read_only(mapping);
	return error;
}

error_t space_map_folio(struct space *space, struct folio *folio, uint32_t prot, uint32_t had,
                        uintptr_t *out)
{
	struct mapping *mapping;
	error_t error;

	spin_lock(&folio->lock);
	mapping = space_find_locked(space, folio);
	if (mapping != NULL) {
		error = add_prot_locked(mapping, space_prot(folio, prot));
		if (error == 0 && had == 0)
			mapping->handles++;
		goto out;
	}
	error = mapping_create(space, folio->size, space_prot(folio, prot), &mapping);
	if (error != 0)
		goto out;
	mapping->folio = folio;
	mapping->handles = 1;
	mapping->user = (struct folio_user){ .discard = discard };
	error = map_all(mapping);
	if (error != 0) {
		space_mapping_destroy(mapping);
		goto out;
	}
	list_push_back(&folio->users, &mapping->user.entry);
out:
	if (error == 0)
		*out = mapping->addr;
	spin_unlock(&folio->lock);
	return error;
}

void space_unmap_folio(struct space *space, struct folio *folio)
{
	struct mapping *mapping;

	spin_lock(&folio->lock);
	mapping = space_find_locked(space, folio);
	if (mapping != NULL && --mapping->handles == 0) {
		list_remove(&mapping->user.entry);
		space_mapping_destroy(mapping);
	}
	spin_unlock(&folio->lock);
}

void space_protect_folio(struct space *space, struct folio *folio)
{
	struct mapping *mapping;

	spin_lock(&folio->lock);
	mapping = space_find_locked(space, folio);
	if (mapping != NULL)
		make_read_only(mapping);
	spin_unlock(&folio->lock);
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
	for (unsigned kind = 0; kind < 2; kind++) {
		for (unsigned i = 0; i < SPACE_NUM_SHIFTS; i++)
			list_init(&space->free[kind][i]);
	}
	random_bytes(&random, sizeof(random));
	space->next = AREA_START + (uintptr_t)(random % AREA_RANDOM_BLOCKS) * BLOCK_SIZE;
	*out = space;
	return 0;
}

static void free_list(struct list *list)
{
	list_for_each_safe(pos, list)
	{
		space_mapping_free(container_of(pos, struct mapping, entry));
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
		space_mapping_destroy(mapping);
		if (source != NULL)
			object_put(&source->object);
	}
	for (unsigned kind = 0; kind < 2; kind++) {
		for (unsigned i = 0; i < SPACE_NUM_SHIFTS; i++)
			free_list(&space->free[kind][i]);
	}
	arch_space_deinit(&space->arch);
	kfree(space);
	account_uncharge(account, sizeof(*space) + tables * PAGE_SIZE);
}
