// SPDX-License-Identifier: MIT
//
// A buddy allocator. Its only metadata is one byte for each page, and the lists of free blocks lie
// in the free blocks themselves: at boot there is almost nothing to initialise. Pages are zeroed
// when they are allocated. RAM that nobody has needed yet is in no list, for a list would write to
// each of its blocks: a host that emulates the machine gives it memory of its own only for pages
// that were written.
#include "kernel/mm/page.h"

#include <stdbool.h>

#include "kernel/debug/panic.h"
#include "kernel/mm/page_private.h"
#include "kernel/sched/spinlock.h"
#include "libs/base/list.h"
#include "libs/base/string.h"

// The byte of a block's first page; every other page has 0.
#define MAP_FREE 0x40u
#define MAP_USED 0x80u
#define MAP_ORDER 0x0fu
#define MAX_SIZE (PAGE_SIZE << PAGE_MAX_ORDER)

// What lies in RAM from the start, the image and its device tree, leaves few ranges.
#define MAX_UNTOUCHED 3

struct range {
	paddr_t start;
	paddr_t end;
};

static struct {
	struct spinlock lock;  // LOCK_RANK_PAGE, guards all below
	paddr_t start;
	paddr_t end;
	uint8_t *map;
	struct list free[PAGE_MAX_ORDER + 1];
	// Blocks of the largest order that were never allocated; taken from the ends.
	struct range untouched[MAX_UNTOUCHED];
	uint64_t num_free;
	uint64_t num_total;
} pages;

size_t page_map_size(paddr_t start, paddr_t end)
{
	return (size_t)((end - start) / PAGE_SIZE);
}

void page_init(paddr_t start, paddr_t end, uint8_t *map)
{
	spinlock_init(&pages.lock, LOCK_RANK_PAGE);
	pages.start = start;
	pages.end = end;
	pages.map = map;
	memset(pages.untouched, 0, sizeof(pages.untouched));
	pages.num_free = 0;
	pages.num_total = 0;
	for (unsigned i = 0; i <= PAGE_MAX_ORDER; i++)
		list_init(&pages.free[i]);
	memset(map, 0, page_map_size(start, end));
}

static uint8_t *map_byte(paddr_t page)
{
	return &pages.map[(page - pages.start) / PAGE_SIZE];
}

static void push_free(paddr_t page, unsigned order)
{
	*map_byte(page) = (uint8_t)(MAP_FREE | order);
	list_push_front(&pages.free[order], page_to_virt(page));
}

// The first block goes; its buddy stays free.
static void take_free(paddr_t page)
{
	*map_byte(page) = 0;
	list_remove(page_to_virt(page));
}

static void free_locked(paddr_t page, unsigned order)
{
	pages.num_free += 1ull << order;
	while (order < PAGE_MAX_ORDER) {
		paddr_t buddy = page ^ (PAGE_SIZE << order);

		if (buddy < pages.start || buddy + (PAGE_SIZE << order) > pages.end ||
		    *map_byte(buddy) != (MAP_FREE | order))
			break;
		take_free(buddy);
		page &= ~(paddr_t)(PAGE_SIZE << order);
		order++;
	}
	push_free(page, order);
}

// This range of whole blocks stays untouched, too. If there is no room for it, the smallest one is
// put into the list.
static void keep_untouched(paddr_t start, paddr_t end)
{
	struct range given = { start, end };

	for (unsigned i = 0; i < MAX_UNTOUCHED; i++) {
		struct range kept = pages.untouched[i];

		if (given.end - given.start > kept.end - kept.start) {
			pages.untouched[i] = given;
			given = kept;
		}
	}
	for (; given.start < given.end; given.start += MAX_SIZE)
		push_free(given.start, PAGE_MAX_ORDER);
}

// Puts one more block into the list; returns whether there was one.
static bool touch_block(void)
{
	for (unsigned i = 0; i < MAX_UNTOUCHED; i++) {
		struct range *range = &pages.untouched[i];

		if (range->start == range->end)
			continue;
		range->end -= MAX_SIZE;
		push_free(range->end, PAGE_MAX_ORDER);
		return true;
	}
	return false;
}

void page_add_range(paddr_t start, paddr_t end)
{
	start = (start + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	end &= ~(PAGE_SIZE - 1);
	kassert(start >= pages.start && end <= pages.end);

	spin_lock(&pages.lock);
	while (start < end) {
		unsigned order = PAGE_MAX_ORDER;
		paddr_t size;

		while (start % (PAGE_SIZE << order) != 0 || end - start < (PAGE_SIZE << order))
			order--;
		size = PAGE_SIZE << order;
		if (order == PAGE_MAX_ORDER) {
			size = (end - start) & ~(MAX_SIZE - 1);
			keep_untouched(start, start + size);
			pages.num_free += size / PAGE_SIZE;
		} else {
			free_locked(start, order);
		}
		pages.num_total += size / PAGE_SIZE;
		start += size;
	}
	spin_unlock(&pages.lock);
}

error_t page_alloc_dirty(unsigned order, paddr_t *out)
{
	unsigned from = order;
	paddr_t page;

	if (order > PAGE_MAX_ORDER)
		return ERR_NO_MEMORY;

	spin_lock(&pages.lock);
	while (from <= PAGE_MAX_ORDER && list_is_empty(&pages.free[from]))
		from++;
	if (from > PAGE_MAX_ORDER && touch_block())
		from = PAGE_MAX_ORDER;
	if (from > PAGE_MAX_ORDER) {
		spin_unlock(&pages.lock);
		return ERR_NO_MEMORY;
	}
	page = page_from_virt(pages.free[from].next);
	take_free(page);
	// Split: the upper halves go back.
	while (from > order) {
		from--;
		push_free(page + (PAGE_SIZE << from), from);
	}
	*map_byte(page) = (uint8_t)(MAP_USED | order);
	pages.num_free -= 1ull << order;
	spin_unlock(&pages.lock);

	*out = page;
	return 0;
}

error_t page_alloc(unsigned order, paddr_t *out)
{
	error_t err = page_alloc_dirty(order, out);

	if (err == 0)
		memset(page_to_virt(*out), 0, PAGE_SIZE << order);
	return err;
}

void page_free(paddr_t page, unsigned order)
{
	spin_lock(&pages.lock);
	kassert(page >= pages.start && page < pages.end);
	// A double free, or one with another order, would corrupt the lists.
	kassert(*map_byte(page) == (MAP_USED | order));
	*map_byte(page) = 0;
	free_locked(page, order);
	spin_unlock(&pages.lock);
}

// The largest block that begins at `page` and has at most `count` pages.
static unsigned piece_order(paddr_t page, size_t count)
{
	unsigned order = 0;

	while (order < PAGE_MAX_ORDER && (page & (PAGE_SIZE << order)) == 0 &&
	       (2ul << order) <= count)
		order++;
	return order;
}

void page_shrink(paddr_t page, unsigned order, size_t count)
{
	size_t total = (size_t)1 << order;

	kassert(count > 0 && count <= total);
	spin_lock(&pages.lock);
	kassert(*map_byte(page) == (MAP_USED | order));
	for (size_t done = 0; done < total;) {
		paddr_t at = page + done * PAGE_SIZE;
		unsigned piece = piece_order(at, (done < count ? count : total) - done);

		if (done < count) {
			*map_byte(at) = (uint8_t)(MAP_USED | piece);
		} else {
			*map_byte(at) = 0;
			free_locked(at, piece);
		}
		done += (size_t)1 << piece;
	}
	spin_unlock(&pages.lock);
}

void page_free_range(paddr_t page, size_t count)
{
	while (count > 0) {
		unsigned order = piece_order(page, count);

		page_free(page, order);
		page += PAGE_SIZE << order;
		count -= (size_t)1 << order;
	}
}

unsigned page_order(paddr_t page)
{
	uint8_t byte;

	kassert(page >= pages.start && page < pages.end);
	byte = *map_byte(page);
	kassert((byte & MAP_USED) != 0);
	return byte & MAP_ORDER;
}

uint64_t page_free_count(void)
{
	return __atomic_load_n(&pages.num_free, __ATOMIC_RELAXED);
}

uint64_t page_total_count(void)
{
	return __atomic_load_n(&pages.num_total, __ATOMIC_RELAXED);
}
