// SPDX-License-Identifier: MIT
//
// Small objects come from slabs: one page each, cut into objects of one size class. Larger ones are
// pages of their own; these are page-aligned, objects in a slab never are, which tells them apart.
#include "kernel/mm/kmalloc.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_private.h"
#include "kernel/sched/spinlock.h"
#include "libs/base/list.h"
#include "libs/base/string.h"

#define SLAB_MAGIC 0x534c4142u  // "SLAB"
#define SLAB_HEADER 64u

// A slab's header, at the start of its page.
struct slab {
	struct list entry;  // in its class's list of slabs with free objects
	uint32_t magic;
	uint32_t class_index;
	uint32_t num_used;
	// objects from here on were never given out: no free list is built in advance
	uint32_t num_touched;
	uint32_t capacity;  // objects that it holds
	uint32_t size;      // of each
	void **free;        // the first free one points to the next
};
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "the header has its place");

// 4032 bytes are left in a page: the larger classes divide that.
static const uint16_t class_sizes[] = { 16,  32,  48,  64,  96,   128,  192, 256,
	                                336, 448, 576, 672, 1008, 1344, 2016 };
#define NUM_CLASSES (sizeof(class_sizes) / sizeof(class_sizes[0]))

static struct {
	struct spinlock lock;  // guards all below, and every slab
	bool ready;
	struct list partial[NUM_CLASSES];
	// slabs kept though all their objects are free: at most one a class
	uint32_t num_empty[NUM_CLASSES];
} heap = { .lock = { .rank = LOCK_RANK_KMALLOC } };

// The first class that holds as many 16 bytes.
static const uint8_t class_of_units[] = {
	[0 ... 1] = 0,    [2] = 1,          [3] = 2,          [4] = 3,          [5 ... 6] = 4,
	[7 ... 8] = 5,    [9 ... 12] = 6,   [13 ... 16] = 7,  [17 ... 21] = 8,  [22 ... 28] = 9,
	[29 ... 36] = 10, [37 ... 42] = 11, [43 ... 63] = 12, [64 ... 84] = 13, [85 ... 126] = 14,
};
_Static_assert(sizeof(class_of_units) == 2016 / 16 + 1 && NUM_CLASSES == 15,
               "it goes up to the largest class");

static uint32_t class_of(size_t size)
{
	return class_of_units[(size + 15) / 16];
}

static unsigned order_of(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

// Gives the empty slabs back; returns whether there were any.
static bool trim_locked(void)
{
	bool any = false;

	for (size_t i = 0; i < NUM_CLASSES && heap.ready; i++) {
		list_for_each_safe(pos, &heap.partial[i])
		{
			struct slab *slab = container_of(pos, struct slab, entry);

			if (slab->num_used > 0)
				continue;
			list_remove(pos);
			slab->magic = 0;
			page_free(page_from_virt(slab), 0);
			any = true;
		}
		heap.num_empty[i] = 0;
	}
	return any;
}

void kmalloc_trim(void)
{
	spin_lock(&heap.lock);
	(void)trim_locked();
	spin_unlock(&heap.lock);
}

static struct slab *slab_create(uint32_t class_index)
{
	struct slab *slab;
	paddr_t page;

	while (page_alloc_dirty(0, &page) != 0) {
		if (!trim_locked())
			return NULL;
	}
	slab = page_to_virt(page);
	*slab = (struct slab){
		.magic = SLAB_MAGIC,
		.class_index = class_index,
		.capacity = (uint32_t)(PAGE_SIZE - SLAB_HEADER) / class_sizes[class_index],
		.size = class_sizes[class_index],
	};
	return slab;
}

static void *take_object(struct slab *slab)
{
	void *object;

	if (slab->free != NULL) {
		object = slab->free;
		slab->free = *slab->free;
	} else {
		object = (uint8_t *)slab + SLAB_HEADER + (size_t)slab->num_touched * slab->size;
		slab->num_touched++;
	}
	slab->num_used++;
	return object;
}

static __attribute__((noinline)) void *alloc_slowly(uint32_t class_index)
{
	struct list *partial = &heap.partial[class_index];
	void *object = NULL;
	struct slab *slab;

	spin_lock(&heap.lock);
	if (!heap.ready) {
		for (size_t i = 0; i < NUM_CLASSES; i++)
			list_init(&heap.partial[i]);
		heap.ready = true;
	}
	if (list_is_empty(partial)) {
		slab = slab_create(class_index);
		if (slab == NULL)
			goto out;
		list_push_front(partial, &slab->entry);
	}
	slab = container_of(partial->next, struct slab, entry);
	if (slab->num_used == 0 && slab->num_touched > 0)
		heap.num_empty[class_index]--;
	object = take_object(slab);
	if (slab->num_used == slab->capacity)
		list_remove(&slab->entry);
out:
	spin_unlock(&heap.lock);
	return object;
}

// The usual case: the first slab has been in use, and stays so with room left. No list changes.
static inline void *alloc_small(uint32_t class_index)
{
	struct list *partial = &heap.partial[class_index];
	struct slab *slab;
	void *object;

	spin_lock(&heap.lock);
	slab = container_of(partial->next, struct slab, entry);
	if (!heap.ready || list_is_empty(partial) || slab->free == NULL || slab->num_used == 0 ||
	    slab->num_used + 1 == slab->capacity) {
		spin_unlock(&heap.lock);
		return alloc_slowly(class_index);
	}
	object = slab->free;
	slab->free = *slab->free;
	slab->num_used++;
	spin_unlock(&heap.lock);
	return object;
}

static __attribute__((noinline)) void *alloc_pages(size_t size)
{
	paddr_t page;

	if (size > FOLIO_MAX_CONTIGUOUS || page_alloc(order_of(size), &page) != 0)
		return NULL;
	return page_to_virt(page);
}

void *kmalloc_dirty(size_t size)
{
	if (size > class_sizes[NUM_CLASSES - 1])
		return alloc_pages(size);
	return alloc_small(class_of(size));
}

void *kmalloc(size_t size)
{
	void *object = kmalloc_dirty(size);

	if (object != NULL && size <= class_sizes[NUM_CLASSES - 1])
		memset(object, 0, size);  // pages are zeroed already
	return object;
}

// The lock is held; gives it up. A slab that was full or is empty now changes lists.
static __attribute__((noinline)) void slab_changed(struct slab *slab)
{
	bool give_back;

	if (slab->num_used + 1 == slab->capacity)
		list_push_front(&heap.partial[slab->class_index], &slab->entry);
	// One empty slab a class stays, so that allocating and freeing by turns does not cost a
	// page each time.
	give_back = slab->num_used == 0 && heap.num_empty[slab->class_index] > 0;
	if (give_back) {
		list_remove(&slab->entry);
		slab->magic = 0;
	} else if (slab->num_used == 0) {
		heap.num_empty[slab->class_index]++;
	}
	spin_unlock(&heap.lock);
	if (give_back)
		page_free(page_from_virt(slab), 0);
}

static __attribute__((noinline)) void free_pages(void *ptr)
{
	paddr_t page = page_from_virt(ptr);

	page_free(page, page_order(page));
}

void kfree(void *ptr)
{
	struct slab *slab = (struct slab *)((uintptr_t)ptr & ~(PAGE_SIZE - 1));

	if (ptr == NULL)
		return;
	if ((void *)slab == ptr) {
		free_pages(ptr);
		return;
	}
	spin_lock(&heap.lock);
	kassert(slab->magic == SLAB_MAGIC && slab->num_used > 0);
	kassert(((uint32_t)((uintptr_t)ptr % PAGE_SIZE) - SLAB_HEADER) % slab->size == 0);
	*(void **)ptr = slab->free;
	slab->free = ptr;
	slab->num_used--;
	if (slab->num_used == 0 || slab->num_used + 1 == slab->capacity)
		slab_changed(slab);
	else
		spin_unlock(&heap.lock);
}

uint64_t kmalloc_kept_pages(void)
{
	uint64_t kept = 0;

	for (size_t i = 0; i < NUM_CLASSES; i++)
		kept += __atomic_load_n(&heap.num_empty[i], __ATOMIC_RELAXED);
	return kept;
}
