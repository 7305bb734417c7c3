// SPDX-License-Identifier: MIT
#include "kernel/object/folio.h"

#include "kernel/debug/log.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"
#include "libs/base/span.h"
#include "libs/base/string.h"

#define PAGES_PER_BLOCK (BLOCK_SIZE / PAGE_SIZE)
#define PART_PAGES_SIZE (PAGES_PER_BLOCK * sizeof(paddr_t))
// Guests may be promised more memory than there is. The last pages are not theirs, so that the
// system outlives one that takes all.
#define RESERVE_MAX_PAGES 2048u
#define RESERVE_SHARE 64u

static size_t num_parts(const struct folio *folio)
{
	return (folio->size + BLOCK_SIZE - 1) / BLOCK_SIZE;
}

static size_t parts_size(const struct folio *folio)
{
	return num_parts(folio) * sizeof(struct folio_part);
}

static void free_page_of(struct folio *folio, struct folio_part *part, size_t index)
{
	if (part->pages[index] == 0)
		return;
	page_free(part->pages[index], 0);
	part->pages[index] = 0;
	folio->populated--;
}

static void free_part(struct folio *folio, struct folio_part *part)
{
	if (part->block != 0) {
		page_free(part->block, BLOCK_ORDER);
		folio->populated -= PAGES_PER_BLOCK;
	}
	if (part->pages != NULL) {
		for (size_t i = 0; i < PAGES_PER_BLOCK; i++)
			free_page_of(folio, part, i);
		kfree(part->pages);
		account_uncharge(folio->object.account, PART_PAGES_SIZE);
	}
	*part = (struct folio_part){ 0 };
}

static void lazy_destroy(struct folio *folio)
{
	struct account *account = folio->object.account;

	if (folio->vaddr != 0) {
		vmap_remove_lazy(&folio->range);
		vmap_release(folio->vaddr, folio->size);
		account_uncharge(account, vmap_tables_size(folio->size));
	}
	for (size_t i = 0; i < num_parts(folio); i++)
		free_part(folio, &folio->parts[i]);
	kfree(folio->parts);
	account_uncharge(account, parts_size(folio));
	if (folio->spare != 0) {
		page_free(folio->spare, 0);
		account_uncharge(account, PAGE_SIZE);
	}
}

static void folio_destroy(struct object *object)
{
	struct folio *folio = folio_from_object(object);

	if (folio->flags & FOLIO_LAZY) {
		lazy_destroy(folio);
	} else if (folio->device) {
		if (folio->vaddr != 0)
			vmap_release(folio->vaddr, folio->size);
		if (folio->console)
			log_end_beside();
	} else if (folio->paddr != 0) {
		page_free_range(folio->paddr, folio->size / PAGE_SIZE);
	}
	if (!folio->device)
		account_uncharge_folio(object->account, folio->size);
	object_free(object);
}

static const struct object_ops folio_ops = {
	.type = OBJECT_FOLIO,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_MAP | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.destroy = folio_destroy,
};

static error_t alloc_contiguous(struct folio *folio)
{
	unsigned order = 0;
	error_t error;

	while ((PAGE_SIZE << order) < folio->size)
		order++;
	error = page_alloc(order, &folio->paddr);
	if (error != 0) {
		folio->paddr = 0;
		return error;
	}
	page_shrink(folio->paddr, order, folio->size / PAGE_SIZE);
	return 0;
}

static error_t alloc_parts(struct folio *folio)
{
	error_t error = account_charge(folio->object.account, parts_size(folio));

	if (error != 0)
		return error;
	folio->parts = kmalloc(parts_size(folio));
	if (folio->parts == NULL) {
		account_uncharge(folio->object.account, parts_size(folio));
		return ERR_NO_MEMORY;
	}
	return 0;
}

error_t folio_object_create(size_t size, uint32_t flags, struct account *account,
                            struct folio **out)
{
	bool lazy = flags == FOLIO_LAZY;
	struct folio *folio;
	error_t error;

	if ((!lazy && flags != FOLIO_CONTIGUOUS) || size == 0 || size > SIZE_MAX - BLOCK_SIZE)
		return ERR_INVALID;
	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (!lazy && size > FOLIO_MAX_CONTIGUOUS)
		return ERR_INVALID;
	error = account_charge_folio(account, size);
	if (error != 0)
		return error;
	error = object_alloc(&folio_ops, sizeof(*folio), account, &folio);
	if (error != 0) {
		account_uncharge_folio(account, size);
		return error;
	}
	spinlock_init(&folio->lock, LOCK_RANK_FOLIO);
	list_init(&folio->users);
	folio->size = size;
	folio->flags = flags;
	error = lazy ? alloc_parts(folio) : alloc_contiguous(folio);
	if (error != 0) {
		folio->flags = 0;  // nothing is there to be freed
		object_put(&folio->object);
		return error;
	}
	*out = folio;
	return 0;
}

error_t folio_device_create(paddr_t paddr, size_t size, struct folio **out)
{
	struct folio *folio;
	error_t error = object_alloc(&folio_ops, sizeof(*folio), NULL, &folio);

	if (error != 0)
		return error;
	spinlock_init(&folio->lock, LOCK_RANK_FOLIO);
	list_init(&folio->users);
	folio->size = size;
	folio->paddr = paddr;
	folio->device = true;
	*out = folio;
	return 0;
}

// --- Lazy folios ---

// Whether a guest has the folio's memory; else it is an app's alone.
static bool is_guest_memory_locked(const struct folio *folio)
{
	list_for_each(pos, &folio->users) {
		if (container_of(pos, struct folio_user, entry)->lost != NULL)
			return true;
	}
	return false;
}

// Whether `count` pages may be taken for the folio: of guest memory only what is not kept for the
// rest of the system.
static bool may_take_locked(struct folio *folio, size_t count)
{
	uint64_t reserve = page_total_count() / RESERVE_SHARE;

	if (!is_guest_memory_locked(folio))
		return true;
	if (reserve > RESERVE_MAX_PAGES)
		reserve = RESERVE_MAX_PAGES;
	return page_free_count() >= reserve + count;
}

static error_t populate_page_locked(struct folio *folio, struct folio_part *part, size_t index)
{
	if (part->pages != NULL && part->pages[index] != 0)
		return 0;
	if (!may_take_locked(folio, 1))
		return ERR_NO_MEMORY;
	if (part->pages == NULL) {
		if (account_charge(folio->object.account, PART_PAGES_SIZE) != 0)
			return ERR_NO_MEMORY;
		part->pages = kmalloc(PART_PAGES_SIZE);
		if (part->pages == NULL) {
			account_uncharge(folio->object.account, PART_PAGES_SIZE);
			return ERR_NO_MEMORY;
		}
	}
	if (page_alloc(0, &part->pages[index]) != 0) {
		part->pages[index] = 0;
		return ERR_NO_MEMORY;
	}
	folio->populated++;
	return 0;
}

// A block when the part is whole and untouched and a free block exists, else a page.
static error_t populate_locked(struct folio *folio, size_t offset, paddr_t *out, size_t *block_size)
{
	size_t part_start = offset & ~(BLOCK_SIZE - 1);
	size_t index = (offset - part_start) / PAGE_SIZE;
	struct folio_part *part = &folio->parts[offset / BLOCK_SIZE];
	error_t error;

	if (part->block == 0 && part->pages == NULL && folio->size - part_start >= BLOCK_SIZE &&
	    may_take_locked(folio, PAGES_PER_BLOCK)) {
		if (page_alloc(BLOCK_ORDER, &part->block) == 0)
			folio->populated += PAGES_PER_BLOCK;
		else
			part->block = 0;
	}
	if (part->block != 0) {
		*out = part->block;
		*block_size = BLOCK_SIZE;
		return 0;
	}
	error = populate_page_locked(folio, part, index);
	if (error != 0)
		return error;
	*out = part->pages[index];
	*block_size = PAGE_SIZE;
	return 0;
}

error_t folio_populate(struct folio *folio, size_t offset, paddr_t *out, size_t *block_size)
{
	error_t error;

	if (offset >= folio->size)
		return ERR_RANGE;
	if ((folio->flags & FOLIO_LAZY) == 0) {
		size_t start = offset & ~(BLOCK_SIZE - 1);

		if (((folio->paddr + start) & (BLOCK_SIZE - 1)) == 0 &&
		    folio->size - start >= BLOCK_SIZE) {
			*out = folio->paddr + start;
			*block_size = BLOCK_SIZE;
		} else {
			*out = folio->paddr + (offset & ~(PAGE_SIZE - 1));
			*block_size = PAGE_SIZE;
		}
		return 0;
	}
	spin_lock(&folio->lock);
	error = populate_locked(folio, offset, out, block_size);
	spin_unlock(&folio->lock);
	return error;
}

// A VMM's touch of guest memory for which there is none. The app is not to die of it, for it may
// run other guests: it gets a page that stands for all such, and the guest, which would miss what
// was written there, ends.
static error_t lend_spare_locked(struct folio *folio, paddr_t *out)
{
	if (!is_guest_memory_locked(folio))
		return ERR_NO_MEMORY;
	if (folio->spare == 0) {
		if (account_charge(folio->object.account, PAGE_SIZE) != 0)
			return ERR_NO_MEMORY;
		if (page_alloc(0, &folio->spare) != 0) {
			account_uncharge(folio->object.account, PAGE_SIZE);
			folio->spare = 0;
			return ERR_NO_MEMORY;
		}
	}
	folio->lost = true;
	list_for_each(pos, &folio->users) {
		struct folio_user *user = container_of(pos, struct folio_user, entry);

		if (user->lost != NULL)
			user->lost(user);
	}
	*out = folio->spare;
	return 0;
}

error_t folio_touch_locked(struct folio *folio, size_t offset,
                           error_t (*map)(void *arg, size_t offset, paddr_t paddr, size_t size),
                           void *arg)
{
	size_t block_size;
	paddr_t paddr;
	error_t error = populate_locked(folio, offset, &paddr, &block_size);

	if (error == ERR_NO_MEMORY) {
		block_size = PAGE_SIZE;
		error = lend_spare_locked(folio, &paddr);
	}
	return error != 0 ? error : map(arg, offset & ~(block_size - 1), paddr, block_size);
}

static error_t map_in_kernel(void *arg, size_t offset, paddr_t paddr, size_t size)
{
	const struct folio *folio = arg;

	return vmap_map(folio->vaddr + offset, paddr, size, VMAP_READ | VMAP_WRITE);
}

// A touch of an in-kernel app's mapping of a lazy folio.
static error_t populate_mapping(struct vmap_lazy_range *range, uintptr_t addr, bool write)
{
	struct folio *folio = container_of(range, struct folio, range);
	error_t error;

	(void)write;
	spin_lock(&folio->lock);
	error = folio_touch_locked(folio, addr - folio->vaddr, map_in_kernel, folio);
	spin_unlock(&folio->lock);
	// Another thread touched it at the same time and was first.
	return error == ERR_EXISTS ? 0 : error;
}

static void forget_locked(struct folio *folio, size_t offset, size_t length)
{
	list_for_each(pos, &folio->users) {
		struct folio_user *user = container_of(pos, struct folio_user, entry);

		user->discard(user, offset, length);
	}
	if (folio->vaddr != 0)
		vmap_unmap(folio->vaddr + offset, length);
}

// What lies in one part.
static void discard_in_part_locked(struct folio *folio, size_t offset, size_t length)
{
	struct folio_part *part = &folio->parts[offset / BLOCK_SIZE];
	size_t in_part = offset & (BLOCK_SIZE - 1);

	if (part->block != 0 && length < BLOCK_SIZE) {
		// Part of a block: the memory stays, but reads as zero.
		memset((uint8_t *)page_to_virt(part->block) + in_part, 0, length);
		return;
	}
	if (part->block == 0 && part->pages == NULL)
		return;
	forget_locked(folio, offset, length);
	if (length == BLOCK_SIZE)
		free_part(folio, part);
	for (size_t i = in_part / PAGE_SIZE, n = length / PAGE_SIZE; part->pages != NULL && n > 0;
	     i++, n--)
		free_page_of(folio, part, i);
}

static error_t discard_in_part(struct folio *folio, size_t offset, size_t length)
{
	error_t error = 0;

	spin_lock(&folio->lock);
	if (folio->read_only)
		error = ERR_ACCESS;
	else
		discard_in_part_locked(folio, offset, length);
	spin_unlock(&folio->lock);
	return error;
}

error_t folio_object_discard(struct folio *folio, size_t offset, size_t length)
{
	error_t error = 0;

	if ((folio->flags & FOLIO_LAZY) == 0)
		return ERR_NOT_SUPPORTED;
	if (((offset | length) & (PAGE_SIZE - 1)) != 0 ||
	    !range_within(offset, length, folio->size))
		return ERR_RANGE;
	while (length > 0 && error == 0) {
		size_t step = BLOCK_SIZE - (offset & (BLOCK_SIZE - 1));

		if (step > length)
			step = length;
		error = discard_in_part(folio, offset, step);
		offset += step;
		length -= step;
		if (length > 0 && error == 0 && !sched_preemption_point())
			error = ERR_BAD_STATE;
	}
	return error;
}

// --- Mapping ---

static error_t map_device(const struct folio *folio, uintptr_t *out)
{
	error_t error = vmap_reserve(folio->size, PAGE_SIZE, out);

	if (error != 0)
		return error;
	error = vmap_map(*out, folio->paddr, folio->size, VMAP_READ | VMAP_WRITE | VMAP_DEVICE);
	if (error != 0)
		vmap_release(*out, folio->size);
	return error;
}

static error_t map_lazy_locked(struct folio *folio, uintptr_t *out)
{
	struct account *account = folio->object.account;
	error_t error = account_charge(account, vmap_tables_size(folio->size));

	if (error != 0)
		return error;
	error = vmap_reserve(folio->size, BLOCK_SIZE, out);
	if (error != 0) {
		account_uncharge(account, vmap_tables_size(folio->size));
		return error;
	}
	folio->range.start = *out;
	folio->range.end = *out + folio->size;
	folio->range.populate = populate_mapping;
	return 0;
}

error_t folio_object_map(struct folio *folio, uintptr_t *out)
{
	uintptr_t addr = 0;
	bool lazy = (folio->flags & FOLIO_LAZY) != 0;
	error_t error = 0;

	if (!lazy && !folio->device) {
		*out = (uintptr_t)page_to_virt(folio->paddr);
		return 0;
	}
	spin_lock(&folio->lock);
	if (folio->vaddr == 0) {
		error = lazy ? map_lazy_locked(folio, &addr) : map_device(folio, &addr);
		if (error == 0)
			folio->vaddr = addr;
		if (error == 0 && lazy)
			vmap_add_lazy(&folio->range);
	}
	addr = folio->vaddr;
	spin_unlock(&folio->lock);
	if (error == 0)
		*out = addr;
	return error;
}
