// SPDX-License-Identifier: MIT
//
// What a process sees of folios.
#include "kernel/debug/panic.h"
#include "kernel/object/space_private.h"

static struct mapping *mapping_of(struct folio_user *user)
{
	return container_of(user, struct mapping, user);
}

static void discard(struct folio_user *user, size_t offset, size_t length)
{
	struct mapping *mapping = mapping_of(user);

	spin_lock(&mapping->space->lock);
	mapping_unmap_locked(mapping, offset, length);
	spin_unlock(&mapping->space->lock);
}

// The mapping of the folio in this space; the folio's lock is held. NULL: none.
static struct mapping *find_locked(const struct space *space, const struct folio *folio)
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
	return mapping_map(mapping, 0, folio->paddr, folio->size);
}

// What is lazy is mapped anew at a touch. With one lock held, so that no thread meets it unmapped.
static void make_read_only(struct mapping *mapping)
{
	struct space *space = mapping->space;
	const struct folio *folio = mapping->folio;
	error_t error = 0;

	spin_lock(&space->lock);
	mapping->prot &= ~(uint32_t)SPACE_WRITE;
	mapping_unmap_locked(mapping, 0, mapping->size);
	// Its tables are there. None is charged, so that an app at its limit gets through.
	if ((folio->flags & FOLIO_LAZY) == 0)
		error = arch_space_map(&space->arch, mapping->addr, folio->paddr, folio->size,
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

// The folio's lock is held, and that of the space if the mapping is in its list. Returns where it
// is.
static inline uintptr_t note_mapped_locked(struct mapping *mapping, struct folio *folio)
{
	mapping->folio = folio;
	mapping->handles = 1;
	mapping->user.discard = discard;
	list_push_back(&folio->users, &mapping->user.entry);
	return mapping->addr;
}

// A mapping of a folio that the process does not see yet. Both locks are held.
static error_t create_locked(struct space *space, struct folio *folio, uint32_t prot,
                             struct mapping **out)
{
	bool lazy = (folio->flags & FOLIO_LAZY) != 0;
	struct mapping *mapping = lazy ? mapping_create_locked(space, folio->size, prot)
				       : mapping_take_locked(space, folio->size, prot);
	error_t error = 0;

	if (mapping == NULL)
		return ERR_NO_MEMORY;
	if (!lazy)
		error = mapping_map_locked(mapping, 0, folio->paddr, folio->size);
	if (error != 0)
		mapping_destroy_locked(mapping);
	else
		*out = mapping;
	return error;
}

// A folio that the process does not see yet. Gives up the folio's lock.
static __attribute__((noinline)) error_t map_first(struct space *space, struct folio *folio,
                                                   uint32_t prot, uintptr_t *out)
{
	struct mapping *mapping;
	error_t error;

	spin_lock(&space->lock);
	error = create_locked(space, folio, prot, &mapping);
	if (error == 0)
		*out = note_mapped_locked(mapping, folio);
	spin_unlock(&space->lock);
	spin_unlock(&folio->lock);
	return error;
}

// A folio that the process sees already. Gives up the folio's lock.
static __attribute__((noinline)) error_t map_again(struct mapping *mapping, struct folio *folio,
                                                   uint32_t prot, uint32_t had, uintptr_t *out)
{
	error_t error = add_prot_locked(mapping, prot);

	if (error == 0 && had == 0)
		mapping->handles++;
	if (error == 0)
		*out = mapping->addr;
	spin_unlock(&folio->lock);
	return error;
}

error_t space_map_folio(struct space *space, struct folio *folio, uint32_t prot, uint32_t had,
                        uintptr_t *out)
{
	uint32_t bits = space_prot(folio, prot);
	struct mapping *mapping;

	spin_lock(&folio->lock);
	mapping = find_locked(space, folio);
	if (mapping != NULL)
		return map_again(mapping, folio, bits, had, out);
	if (folio->size != PAGE_SIZE || folio->device || (folio->flags & FOLIO_LAZY) != 0)
		return map_first(space, folio, bits, out);
	// Most are a page, and its range has been used before: nothing is looked up.
	spin_lock(&space->lock);
	mapping = mapping_take_page_locked(space);
	if (mapping == NULL) {
		spin_unlock(&space->lock);
		return map_first(space, folio, bits, out);
	}
	mapping->prot = bits;
	arch_space_fill_page(mapping->first_pte, folio->paddr, bits);
	spin_unlock(&space->lock);
	*out = note_mapped_locked(mapping, folio);
	spin_unlock(&folio->lock);
	return 0;
}

// As mapping_destroy, of a folio that is there from the start, in one table.
static inline void unmap_at_once(struct mapping *mapping)
{
	struct space *space = mapping->space;

	spin_lock(&space->lock);
	arch_space_clear(&space->arch, mapping->first_pte, mapping->addr, mapping->size);
	mapping->folio = NULL;
	mapping_wait_locked(mapping);
	spin_unlock(&space->lock);
}

void space_unmap_folio(struct space *space, struct folio *folio)
{
	struct mapping *mapping;

	spin_lock(&folio->lock);
	mapping = find_locked(space, folio);
	if (mapping != NULL && --mapping->handles == 0) {
		list_remove(&mapping->user.entry);
		if (mapping->first_pte != NULL && (folio->flags & FOLIO_LAZY) == 0)
			unmap_at_once(mapping);
		else
			mapping_destroy(mapping);
	}
	spin_unlock(&folio->lock);
}

void space_protect_folio(struct space *space, struct folio *folio)
{
	struct mapping *mapping;

	spin_lock(&folio->lock);
	mapping = find_locked(space, folio);
	if (mapping != NULL)
		make_read_only(mapping);
	spin_unlock(&folio->lock);
}

// --- Lazy folios ---

static error_t map_touched(void *arg, size_t offset, paddr_t paddr, size_t size)
{
	return mapping_map(arg, offset, paddr, size);
}

// The mapping around `addr` of a lazy folio, with a reference to the folio, which keeps neither the
// mapping; NULL: none.
static struct folio *lazy_folio_at(struct space *space, uintptr_t addr, bool write)
{
	struct folio *folio = NULL;

	spin_lock(&space->lock);
	list_for_each(pos, &space->mappings) {
		const struct mapping *mapping = container_of(pos, struct mapping, entry);

		if (addr < mapping->addr || addr - mapping->addr >= mapping->size)
			continue;
		if (mapping->folio != NULL && (mapping->folio->flags & FOLIO_LAZY) != 0 &&
		    (!write || (mapping->prot & SPACE_WRITE) != 0)) {
			folio = mapping->folio;
			object_get(&folio->object);
		}
		break;
	}
	spin_unlock(&space->lock);
	return folio;
}

bool space_populate(struct space *space, uintptr_t addr, bool write)
{
	struct folio *folio = lazy_folio_at(space, addr, write);
	const struct mapping *mapping;
	error_t error = ERR_ADDRESS;

	if (folio == NULL)
		return false;
	spin_lock(&folio->lock);
	// Another thread may have unmapped it meanwhile.
	mapping = find_locked(space, folio);
	if (mapping != NULL && addr >= mapping->addr && addr - mapping->addr < mapping->size)
		error = folio_touch_locked(folio, addr - mapping->addr, map_touched,
		                           (void *)(uintptr_t)mapping);
	spin_unlock(&folio->lock);
	object_put(&folio->object);
	return error == 0;
}
