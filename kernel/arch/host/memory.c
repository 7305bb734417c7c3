// SPDX-License-Identifier: MIT
//
// RAM is a memory file. kmalloc is the C library's, so that the sanitizer sees each object.
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/host/host.h"
#include "kernel/arch/host/host_private.h"
#include "kernel/arch/host/ram.h"
#include "kernel/arch/riscv64/layout.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_private.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/process.h"
#include "kernel/object/space.h"

#define RAM_SIZE (64ul * 1024 * 1024)
#define RAM_BASE 0x80000000ul

static uint8_t *ram;
// The segments of a user-mode app lie in RAM, as all of the kernel image does.
uint64_t boot_image_offset;
static uint8_t page_map[RAM_SIZE / PAGE_SIZE];
static unsigned fail_from;
static unsigned calls;
static size_t live;
static struct vmap_lazy_range *lazy_ranges;

void host_memory_init(void)
{
	if (ram == NULL) {
		ram = ram_create(RAM_SIZE);
		boot_image_offset = (uintptr_t)ram - RAM_BASE;
		page_init(RAM_BASE, RAM_BASE + RAM_SIZE, page_map);
		page_add_range(RAM_BASE, RAM_BASE + RAM_SIZE);
	}
	fail_from = 0;
}

void *page_to_virt(paddr_t paddr)
{
	return ram + (paddr - RAM_BASE);
}

paddr_t page_from_virt(const void *virt)
{
	return (paddr_t)((const uint8_t *)virt - ram) + RAM_BASE;
}

// --- kmalloc ---

void host_fail_kmalloc(unsigned n)
{
	fail_from = n;
	calls = 0;
}

size_t host_kmalloc_live(void)
{
	return live;
}

void *kmalloc(size_t size)
{
	void *ptr;

	if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) >= fail_from && fail_from != 0)
		return NULL;
	ptr = calloc(1, size);
	kassert(ptr != NULL);
	__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	return ptr;
}

void *kmalloc_dirty(size_t size)
{
	void *ptr = kmalloc(size);

	if (ptr != NULL)
		memset(ptr, 0xa5, size);
	return ptr;
}

void kfree(void *ptr)
{
	if (ptr == NULL)
		return;
	__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
	free(ptr);
}

uint64_t kmalloc_kept_pages(void)
{
	return 0;
}

// --- The mapping area ---

error_t vmap_reserve(size_t size, size_t align, uintptr_t *out)
{
	*out = (uintptr_t)ram_reserve(size, align);
	return 0;
}

void vmap_release(uintptr_t addr, size_t size)
{
	ram_release(addr, size);
}

error_t vmap_map(uintptr_t addr, paddr_t paddr, size_t size, uint32_t prot)
{
	if ((prot & VMAP_DEVICE) == 0)
		ram_map(addr, paddr - RAM_BASE, size);
	return 0;
}

void vmap_unmap(uintptr_t addr, size_t size)
{
	ram_unmap(addr, size);
}

error_t vmap_fault(uintptr_t addr, bool write)
{
	for (struct vmap_lazy_range *range = lazy_ranges; range != NULL; range = range->next) {
		if (addr >= range->start && addr < range->end)
			return range->populate(range, addr, write);
	}
	return ERR_ADDRESS;
}

void vmap_add_lazy(struct vmap_lazy_range *range)
{
	range->next = lazy_ranges;
	lazy_ranges = range;
}

void vmap_remove_lazy(struct vmap_lazy_range *range)
{
	for (struct vmap_lazy_range **at = &lazy_ranges; *at != NULL; at = &(*at)->next) {
		if (*at == range) {
			*at = range->next;
			return;
		}
	}
	panic("a lazy range is not there");
}

error_t vmap_alloc_stack(size_t size, uintptr_t *top)
{
	uint8_t *stack = kmalloc(size);

	if (stack == NULL)
		return ERR_NO_MEMORY;
	*top = (uintptr_t)stack + size;
	return 0;
}

void vmap_free_stack(uintptr_t top, size_t size)
{
	kfree((void *)(top - size));
}

// --- App memory: everything is the app's but the first page, unless it has a space of its own ---

error_t copy_from_app(void *dst, uintptr_t app_src, size_t len)
{
	if (arch_current_space() != NULL)
		return space_copy_from(process_current()->space, dst, app_src, len);
	if (app_src < PAGE_SIZE)
		return ERR_ADDRESS;
	memcpy(dst, (const void *)app_src, len);
	return 0;
}

error_t copy_to_app(uintptr_t app_dst, const void *src, size_t len)
{
	if (arch_current_space() != NULL)
		return space_copy_to(process_current()->space, app_dst, src, len);
	if (app_dst < PAGE_SIZE)
		return ERR_ADDRESS;
	memcpy((void *)app_dst, src, len);
	return 0;
}
