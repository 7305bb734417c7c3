// SPDX-License-Identifier: MIT
#include "kernel/object/folio.h"

#include "kernel/object/space.h"
#include "kernel/syscall/syscall.h"

error_t sys_folio_create(SYSCALL_ARGS)
{
	struct folio *folio;
	error_t error;

	if (a1 > UINT32_MAX)
		return ERR_INVALID;
	error = folio_object_create(a0, (uint32_t)a1, caller()->account, &folio);
	return error != 0 ? error : give_handle(&folio->object, a2);
}

error_t sys_folio_create_with(SYSCALL_ARGS)
{
	struct folio *folio;
	uintptr_t at = 0;
	error_t error;

	if (a1 == 0 || a1 > FOLIO_MAX_COPIED)
		return ERR_INVALID;
	error = folio_object_create(a1, FOLIO_CONTIGUOUS, caller()->account, &folio);
	if (error != 0)
		return error;
	// Nobody else has the folio yet.
	error = folio_object_map(folio, &at);
	if (error == 0)
		error = user_read((void *)at, a0, a1);
	if (error != 0) {
		object_put(&folio->object);
		return error;
	}
	return give_handle(&folio->object, a2);
}

// Whether the folio may be mapped so. The table of the handle is locked: if that is the only one,
// the answer stays.
static error_t check_prot_locked(const struct folio *folio, uint32_t prot)
{
	return (prot & PROT_WRITE) != 0 && folio->read_only ? ERR_ACCESS : 0;
}

// Notes in the handle's slot that it is mapped so; of how it was, `kept` stays. `*prot` becomes how
// it was.
static error_t note_mapped(handle_t handle, uint32_t kept, uint32_t *prot)
{
	struct handle_table *table = &caller()->handles;
	struct handle_slot *slot;
	error_t error = 0;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	if (slot == NULL || slot->object->ops->type != OBJECT_FOLIO) {
		error = ERR_BAD_HANDLE;
	} else {
		error = check_prot_locked(folio_from_object(slot->object), *prot);
	}
	if (error == 0) {
		uint32_t old = slot->mapped;

		slot->mapped = (old & kept) | *prot;
		*prot = old;
	}
	spin_unlock(&table->lock);
	return error;
}

// The handle maps its folio no more, if it did.
static void unmap_in_space(handle_t handle)
{
	struct handle_table *table = &caller()->handles;

	spin_lock(&table->lock);
	if (handle_slot_locked(table, handle) != NULL)
		handle_unmap_locked(table, handle);
	spin_unlock(&table->lock);
}

// Whether the handle in the slot may be used so.
static error_t check_slot_locked(const struct handle_slot *slot, rights_t rights, uint32_t prot)
{
	if (slot == NULL)
		return ERR_BAD_HANDLE;
	if (slot->object->type != OBJECT_FOLIO)
		return ERR_WRONG_TYPE;
	if ((slot->rights & rights) != rights)
		return ERR_ACCESS;
	return check_prot_locked(folio_from_object(slot->object), prot);
}

// folio_map of a user-mode process: the handle's slot says whether it maps the folio already.
static __attribute__((noinline)) error_t map_in_space(handle_t handle, rights_t rights,
                                                      uint32_t prot, uintptr_t out)
{
	struct handle_table *table = &caller()->handles;
	struct handle_slot *slot;
	uintptr_t addr = 0;
	uint32_t had = 0;
	error_t error;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	error = check_slot_locked(slot, rights, prot);
	if (error == 0) {
		had = slot->mapped;
		error = space_map_folio(table->space, folio_from_object(slot->object), prot, had,
		                        &addr);
	}
	if (error == 0)
		slot->mapped = had | prot;
	spin_unlock(&table->lock);
	if (error != 0)
		return error;
	error = user_write(out, &addr, sizeof(addr));
	if (error != 0 && had == 0)
		unmap_in_space(handle);
	return error;
}

// folio_map of an app in the kernel.
static __attribute__((noinline)) error_t map_in_kernel(handle_t handle, rights_t rights,
                                                       uint32_t prot, uintptr_t out)
{
	struct object *object;
	uintptr_t addr = 0;
	error_t error = lookup((uintptr_t)handle, OBJECT_FOLIO, rights, &object);

	if (error != 0)
		return error;
	error = folio_object_map(folio_from_object(object), &addr);
	// Another thread may have closed the handle meanwhile: that is found out before anything is
	// written.
	if (error == 0)
		error = note_mapped(handle, UINT32_MAX, &prot);
	if (error == 0) {
		error = user_write(out, &addr, sizeof(addr));
		if (error != 0)
			(void)note_mapped(handle, 0, &prot);
	}
	object_put(object);
	return error;
}

error_t sys_folio_map(SYSCALL_ARGS)
{
	rights_t rights = RIGHT_MAP | RIGHT_READ;
	uint32_t prot = (uint32_t)a1;

	if (a1 != PROT_READ && a1 != (PROT_READ | PROT_WRITE))
		return ERR_INVALID;
	if ((a1 & PROT_WRITE) != 0)
		rights |= RIGHT_WRITE;
	if (caller()->space != NULL)
		return map_in_space((handle_t)a0, rights, prot, a2);
	return map_in_kernel((handle_t)a0, rights, prot, a2);
}

error_t sys_folio_unmap(SYSCALL_ARGS)
{
	uint32_t prot = 0;
	struct object *object;
	error_t error = lookup(a0, OBJECT_FOLIO, 0, &object);

	if (error != 0)
		return error;
	if (caller()->space != NULL)
		unmap_in_space((handle_t)a0);
	else
		error = note_mapped((handle_t)a0, 0, &prot);
	object_put(object);
	return error;
}

error_t sys_folio_info(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_FOLIO, 0, &object);

	if (error != 0)
		return error;
	const struct folio *folio = folio_from_object(object);
	struct folio_info info = { .size = folio->size,
		                   .paddr = caller()->has_device ? folio->paddr : 0,
		                   .populated = folio->size,
		                   .flags = folio->flags |
		                           (folio->read_only ? FOLIO_READ_ONLY : 0) };

	if ((folio->flags & FOLIO_LAZY) != 0)
		info.populated = __atomic_load_n(&folio->populated, __ATOMIC_RELAXED) * PAGE_SIZE;
	error = user_write(a1, &info, sizeof(info));
	object_put(object);
	return error;
}

error_t user_pin_folio(handle_t handle, const struct object *object, uint32_t prot)
{
	struct handle_table *table = &caller()->handles;
	const struct handle_slot *slot;
	error_t error = ERR_BAD_HANDLE;

	spin_lock(&table->lock);
	slot = handle_slot_locked(table, handle);
	if (slot != NULL && slot->object == object)
		error = folio_pin(folio_from_object(slot->object), prot);
	spin_unlock(&table->lock);
	return error;
}

error_t sys_folio_discard(SYSCALL_ARGS)
{
	struct object *object;
	error_t error = lookup(a0, OBJECT_FOLIO, RIGHT_WRITE, &object);

	if (error != 0)
		return error;
	// If another thread sent it meanwhile, the receiver's memory would go: nobody but the
	// process's own threads may unmap what it has (user_access.h).
	error = user_pin_folio((handle_t)a0, object, PROT_READ);
	if (error == 0) {
		error = folio_object_discard(folio_from_object(object), a1, a2);
		folio_unpin(folio_from_object(object));
	}
	object_put(object);
	return error;
}
