// SPDX-License-Identifier: MIT
//
// A buddy allocator. Its only metadata is one byte for each page, and the lists of free blocks lie
// in the free blocks themselves: at boot there is almost nothing to initialise. Pages are zeroed
// when they are allocated, but for large blocks that an idle hart has cleaned before. RAM that
// nobody has needed yet is in no list, for a list would write to each of its blocks: a host that
// emulates the machine gives it memory of its own only for pages that were written.
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
#define MAP_CLEAN 0x20u  // free, and nothing but zeroes besides the list's entry
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
	struct list free[PAGE_MAX_ORDER + 1];  // clean blocks come last
	// Blocks of the largest order that were never allocated; taken from the ends.
	struct range untouched[MAX_UNTOUCHED];
	// The block that is being cleaned, which counts as free: up to `next` it is. 0: none.
	struct {
		paddr_t block;
		unsigned order;
		paddr_t next;
		bool busy;  // a hart writes to it
	} cleaning;
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
	memset(&pages.cleaning, 0, sizeof(pages.cleaning));
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

static inline void push_free(paddr_t page, unsigned order, bool clean)
{
	*map_byte(page) = (uint8_t)(MAP_FREE | (clean ? MAP_CLEAN : 0) | order);
	if (clean)
		list_push_back(&pages.free[order], page_to_virt(page));
	else
		list_push_front(&pages.free[order], page_to_virt(page));
}

static bool is_clean(paddr_t page)
{
	return (*map_byte(page) & MAP_CLEAN) != 0;
}

// The first block goes; its buddy stays free. Returns whether all of it is zero.
static bool take_free(paddr_t page)
{
	struct list *entry = page_to_virt(page);
	bool clean = is_clean(page);

	*map_byte(page) = 0;
	list_remove(entry);
	if (clean)
		*entry = (struct list){ 0 };
	return clean;
}

// A clean block stays clean if its buddies are. What is always dirty costs no look at them.
static inline void merge_free(paddr_t page, unsigned order, bool clean)
{
	while (order < PAGE_MAX_ORDER) {
		paddr_t buddy = page ^ (PAGE_SIZE << order);

		if (buddy < pages.start || buddy + (PAGE_SIZE << order) > pages.end ||
		    (*map_byte(buddy) & ~MAP_CLEAN) != (MAP_FREE | order))
			break;
		if (clean) {
			clean = take_free(buddy);
		} else {
			*map_byte(buddy) = 0;
			list_remove(page_to_virt(buddy));
		}
		page &= ~(paddr_t)(PAGE_SIZE << order);
		order++;
	}
	push_free(page, order, clean);
}

static void free_locked(paddr_t page, unsigned order)
{
	pages.num_free += 1ull << order;
	merge_free(page, order, false);
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
		push_free(given.start, PAGE_MAX_ORDER, false);
}

// Puts one more block into the list; returns whether there was one.
static bool touch_block(void)
{
	for (unsigned i = 0; i < MAX_UNTOUCHED; i++) {
		struct range *range = &pages.untouched[i];

		if (range->start == range->end)
			continue;
		range->end -= MAX_SIZE;
		push_free(range->end, PAGE_MAX_ORDER, false);
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

// The first block of the list that is as wanted; 0: none.
static paddr_t first_of(unsigned order, bool clean)
{
	const struct list *list = &pages.free[order];
	paddr_t page;

	if (list_is_empty(list))
		return 0;
	page = page_from_virt(clean ? list->prev : list->next);
	return is_clean(page) == clean ? page : 0;
}

// Of the large blocks a small piece is of a dirty one where there is one, lest clean ones are lost
// for it; one that is to be zeroed anyway, and is large itself, of a clean one.
static paddr_t find_large(unsigned order, bool clean_first)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned from = order; from <= PAGE_MAX_ORDER; from++) {
			paddr_t page = first_of(from, clean_first == (pass == 0));

			if (page != 0)
				return page;
		}
	return 0;
}

static inline paddr_t find_free(unsigned order, bool clean_first)
{
	for (; order < BLOCK_ORDER; order++)
		if (!list_is_empty(&pages.free[order]))
			return page_from_virt(pages.free[order].next);
	return find_large(order, clean_first);
}

// Takes back what is being cleaned; returns whether something may be free now that was not. Called
// with the lock, which is given away while another hart writes: that may end the block, too.
static bool stop_cleaning(void)
{
	bool waited = false;
	paddr_t block;

	while (pages.cleaning.busy) {
		spin_unlock(&pages.lock);
		spin_lock(&pages.lock);
		waited = true;
	}
	block = pages.cleaning.block;
	if (block == 0)
		return waited;
	pages.cleaning.block = 0;
	*map_byte(block) = 0;
	merge_free(block, pages.cleaning.order, false);
	return true;
}

// Of the block of order `from` the first one of order `to` is kept: the upper halves go back.
static inline void split(paddr_t page, unsigned from, unsigned to, bool clean)
{
	while (from > to) {
		from--;
		push_free(page + (PAGE_SIZE << from), from, clean);
	}
}

static inline __attribute__((always_inline)) error_t alloc(unsigned order, bool clean_first,
                                                           paddr_t *out, bool *clean)
{
	unsigned from;
	paddr_t page;

	if (order > PAGE_MAX_ORDER)
		return ERR_NO_MEMORY;

	spin_lock(&pages.lock);
	do {
		page = find_free(order, clean_first && order >= BLOCK_ORDER);
	} while (page == 0 && (touch_block() || stop_cleaning()));
	if (page == 0) {
		spin_unlock(&pages.lock);
		return ERR_NO_MEMORY;
	}
	from = *map_byte(page) & MAP_ORDER;
	*clean = take_free(page);
	if (*clean)
		split(page, from, order, true);
	else
		split(page, from, order, false);
	*map_byte(page) = (uint8_t)(MAP_USED | order);
	pages.num_free -= 1ull << order;
	spin_unlock(&pages.lock);

	*out = page;
	return 0;
}

error_t page_alloc_dirty(unsigned order, paddr_t *out)
{
	bool clean;

	return alloc(order, false, out, &clean);
}

error_t page_alloc(unsigned order, paddr_t *out)
{
	bool clean;
	error_t err = alloc(order, true, out, &clean);

	if (err == 0 && !clean)
		memset(page_to_virt(*out), 0, PAGE_SIZE << order);
	return err;
}

// A large block to clean. The one that small pages come from next stays: it would be dirty again
// at once.
static paddr_t dirty_block(void)
{
	bool spared = false;

	for (unsigned order = BLOCK_ORDER; order <= PAGE_MAX_ORDER; order++)
		list_for_each(pos, &pages.free[order]) {
			paddr_t page = page_from_virt(pos);

			if (is_clean(page))
				break;
			if (spared)
				return page;
			spared = true;
		}
	return 0;
}

static bool start_cleaning(void)
{
	paddr_t block = dirty_block();

	if (block == 0)
		return false;
	pages.cleaning.block = block;
	pages.cleaning.order = *map_byte(block) & MAP_ORDER;
	pages.cleaning.next = block;
	take_free(block);
	*map_byte(block) = (uint8_t)(MAP_USED | pages.cleaning.order);
	return true;
}

bool page_clean_some(void)
{
	paddr_t page;

	spin_lock(&pages.lock);
	if (pages.cleaning.busy || (pages.cleaning.block == 0 && !start_cleaning())) {
		spin_unlock(&pages.lock);
		return false;
	}
	pages.cleaning.busy = true;
	page = pages.cleaning.next;
	spin_unlock(&pages.lock);

	memset(page_to_virt(page), 0, PAGE_SIZE);

	spin_lock(&pages.lock);
	pages.cleaning.busy = false;
	pages.cleaning.next += PAGE_SIZE;
	if (pages.cleaning.next == pages.cleaning.block + (PAGE_SIZE << pages.cleaning.order)) {
		*map_byte(pages.cleaning.block) = 0;
		merge_free(pages.cleaning.block, pages.cleaning.order, true);
		pages.cleaning.block = 0;
	}
	spin_unlock(&pages.lock);
	return true;
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
