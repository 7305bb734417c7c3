// SPDX-License-Identifier: MIT
//
// Folios: page-granular memory that is owned, moved in messages and mapped. In-kernel apps share
// one address space, so a folio has at most one mapping there, made at the first folio_map and gone
// with the folio. User-mode processes have one each (kernel/object/space.h).
#pragma once

#include "kernel/mm/page.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/object.h"
#include "libs/abi/folio.h"

// One 2 MiB part of a lazy folio: nothing yet, one block, or single pages.
struct folio_part {
	paddr_t block;   // not 0: the block
	paddr_t *pages;  // BLOCK_SIZE / PAGE_SIZE addresses, 0 where not populated; NULL: none yet
};

struct folio {
	struct object object;
	struct spinlock lock;
	size_t size;  // bytes
	uint32_t flags;
	bool device;
	bool console;              // a device's: the UART that the log is written to
	bool kept;                 // kept memory of an app (NEED_KEPT): no guest may have it
	unsigned order;            // contiguous
	paddr_t paddr;             // contiguous
	uintptr_t vaddr;           // where it is mapped; 0: not yet
	struct folio_part *parts;  // lazy
	uint64_t populated;        // lazy: pages in the parts; written under `lock`
	paddr_t spare;             // see `lost`; 0: none

	// an app's touch found no memory: the content is not whole any more; written under `lock`
	bool lost;
	// It was duplicated: nobody writes to it again. Set with `lock` held, and the table of the
	// only handle that there was.
	bool read_only;
	// Mappings in hvspaces, and calls that make one or discard; guarded by `lock`.
	uint32_t guests;
	struct vmap_lazy_range range;
	struct list users;  // struct folio_user; guarded by `lock`
};

// A mapping of the folio elsewhere (an hvspace's, a user-mode process's). Its owner holds a
// reference to the folio, or a handle.
struct folio_user {
	struct list entry;
	// The memory of [offset, offset + length) is about to be freed: the mapping forgets it on
	// all harts before it returns. Called with the folio's lock held.
	void (*discard)(struct folio_user *user, size_t offset, size_t length);
	// The folio's memory is `lost`. Called with the folio's lock held, perhaps several times.
	// NULL: an app's mapping, not a guest's.
	void (*lost)(struct folio_user *user);
};
// Of a guest's (`lost` is there) it is also counted that the folio stays with its handle.
void folio_add_user(struct folio *folio, struct folio_user *user);
void folio_remove_user(struct folio *folio, struct folio_user *user);

// Errors: ERR_INVALID, ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t folio_object_create(size_t size, uint32_t flags, struct account *account,
                                         struct folio **out);
// A folio over device registers (whole pages). Errors: ERR_NO_MEMORY.
__must_check error_t folio_device_create(paddr_t paddr, size_t size, struct folio **out);
// The memory at `offset` (which it may round down to the block's or page's begin), populated if it
// was not. `*out` is physical, of the block's or page's start; `*block_size` is how much lies there
// together: PAGE_SIZE or BLOCK_SIZE, aligned to it in the folio and physically. Errors: ERR_RANGE,
// ERR_NO_MEMORY (also when what is left is kept for others than guests). Takes no lock of the
// caller's; none above OBJECT may be held.
__must_check error_t folio_populate(struct folio *folio, size_t offset, paddr_t *out,
                                    size_t *block_size);
// Has a lazy folio populated at `offset`, because an app touches it, and the page or block mapped
// by `map`, all with the folio's lock held by the caller. Errors: ERR_NO_MEMORY, what `map`
// returns.
__must_check error_t folio_touch_locked(struct folio *folio, size_t offset,
                                        error_t (*map)(void *arg, size_t offset, paddr_t paddr,
                                                       size_t size),
                                        void *arg);
// Where the folio is mapped for in-kernel apps. A lazy one's page tables are charged to its
// account. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t folio_object_map(struct folio *folio, uintptr_t *out);
// The folio is about to have a second handle, and is read-only from now on. The only handle's table
// is locked; what its process has mapped for writing is the caller's to take away. Errors:
// ERR_BAD_STATE (a guest has it).
__must_check error_t folio_make_read_only(struct folio *folio);
// An hvspace is about to map the folio with these PROT_*, or a part of it to be discarded
// (PROT_READ): until folio_unpin it stays with its handle, whose table is locked. Errors:
// ERR_ACCESS (PROT_WRITE, and it is read-only; it is kept memory).
__must_check error_t folio_pin(struct folio *folio, uint32_t prot);
void folio_unpin(struct folio *folio);
// Gives memory back; whole pages. Its users forget it first. Others have their turns between
// blocks: no lock is held. Errors: ERR_RANGE, ERR_NOT_SUPPORTED, ERR_ACCESS (it is read-only),
// ERR_BAD_STATE (the caller's process is ending; perhaps not all was given back).
__must_check error_t folio_object_discard(struct folio *folio, size_t offset, size_t length);

static inline struct folio *folio_from_object(struct object *object)
{
	return container_of(object, struct folio, object);
}
