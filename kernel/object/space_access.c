// SPDX-License-Identifier: MIT
//
// A process's memory as its faults and the kernel's copies find it.
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/object/space_private.h"
#include "libs/base/string.h"

#define COPY_MAX_TRIES 64u

bool space_resolve_fault(struct space *space, uintptr_t addr, bool write)
{
	bool allowed;

	spin_lock(&space->lock);
	allowed = arch_space_allows(&space->arch, addr, write);
	spin_unlock(&space->lock);
	if (!allowed)
		return space_populate(space, addr, write);
	// This hart had looked it up in vain, or read-only, before it was mapped. Pairs with the
	// stores of arch_space_map().
	mmu_flush_local();
	return true;
}

bool space_resolve_fetch(struct space *space, uintptr_t addr)
{
	bool allowed;

	spin_lock(&space->lock);
	allowed = arch_space_executes(&space->arch, addr);
	spin_unlock(&space->lock);
	if (allowed)
		mmu_flush_local();
	return allowed;
}

// Copies what lies in one page, with the lock that keeps the page.
static bool copy_in_page(struct space *space, uintptr_t addr, void *bytes, size_t len, bool write)
{
	void *at;

	spin_lock(&space->lock);
	at = arch_space_translate(&space->arch, addr, write);
	if (at != NULL && write)
		memcpy(at, bytes, len);
	else if (at != NULL)
		memcpy(bytes, at, len);
	spin_unlock(&space->lock);
	return at != NULL;
}

static error_t copy(struct space *space, uintptr_t addr, void *bytes, size_t len, bool write)
{
	unsigned tries = 0;

	if (addr >= USER_END || len > USER_END - addr)
		return ERR_ADDRESS;
	while (len > 0) {
		size_t step = PAGE_SIZE - (addr & (PAGE_SIZE - 1));

		if (step > len)
			step = len;
		if (!copy_in_page(space, addr, bytes, step, write)) {
			// Others may take it away again, each time.
			if (tries++ == COPY_MAX_TRIES || !space_populate(space, addr, write))
				return ERR_ADDRESS;
			continue;
		}
		addr += step;
		bytes = (uint8_t *)bytes + step;
		len -= step;
	}
	return 0;
}

error_t space_copy_from(struct space *space, void *dst, uintptr_t src, size_t len)
{
	return copy(space, src, dst, len, false);
}

error_t space_copy_to(struct space *space, uintptr_t dst, const void *src, size_t len)
{
	return copy(space, dst, (void *)(uintptr_t)src, len, true);
}
