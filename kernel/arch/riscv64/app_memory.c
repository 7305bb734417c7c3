// SPDX-License-Identifier: MIT
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/arch/riscv64/copy.h"
#include "kernel/arch/riscv64/layout.h"

static bool lies_within(uintptr_t addr, size_t len, uintptr_t start, uintptr_t end)
{
	return addr >= start && addr <= end && len <= end - addr;
}

// Whether it may be an app's memory at all: in its data region, in the vmap area (stacks, lazy
// folios) or in the direct map (contiguous folios, the environment), or for reading in its
// read-only data. Debug builds look closer (process_owns).
static inline __attribute__((always_inline)) bool may_be_app_memory(uintptr_t addr, size_t len,
                                                                    bool write)
{
	if (lies_within(addr, len, VMAP_BASE, VMAP_END) ||
	    lies_within(addr, len, DIRECT_MAP_BASE, DIRECT_MAP_BASE + DIRECT_MAP_SIZE))
		return true;
	if (lies_within(addr, len, (uintptr_t)__apps_data_start, (uintptr_t)__apps_data_end))
		return true;
	return !write &&
		lies_within(addr, len, (uintptr_t)__apps_rodata_start,
	                    (uintptr_t)__apps_rodata_end);
}

error_t copy_from_app(void *dst, uintptr_t app_src, size_t len)
{
	if (arch_current_space() != NULL)
		return user_copy_from(dst, app_src, len);
	if (!may_be_app_memory(app_src, len, false))
		return ERR_ADDRESS;
	return arch_copy(dst, (const void *)app_src, len);
}

error_t copy_to_app(uintptr_t app_dst, const void *src, size_t len)
{
	if (arch_current_space() != NULL)
		return user_copy_to(app_dst, src, len);
	if (!may_be_app_memory(app_dst, len, true))
		return ERR_ADDRESS;
	return arch_copy((void *)app_dst, src, len);
}
