// SPDX-License-Identifier: MIT
//
// Segregated free lists with boundary tags (as in the TLSF allocator): free blocks hang in a bin by
// size class, two levels of bitmaps find the first bin that surely fits, neighbours merge when they
// are freed. Blocks are cut from arenas, one folio each; an arena that is one free block again goes
// back to the kernel, except for one small one that is kept so that an app on the edge does not ask
// for it again and again. What does not fit into a small arena gets one of its own.
#include "libs/starina/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/list.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/mutex.h"
#include "libs/starina/syscall.h"

#define ALIGN 16u
#define ARENA_SIZE (64ul * 1024)
#define ARENA_LARGEST (1024ul * 1024)

// A block's size is a multiple of ALIGN; its low bits are flags.
#define BLOCK_FREE 1ul
#define BLOCK_LAST 2ul  // the end mark of an arena: no bytes, never free
#define BLOCK_FLAGS 15ul

// Before each block's bytes.
struct block {
	size_t size_flags;  // bytes after this header
	size_t prev_size;   // of the block before, 0 for the arena's first
	struct list bin;    // in the block's bytes, while it is free
};
#define HEADER offsetof(struct block, bin)
#define BLOCK_MIN (sizeof(struct block) - HEADER)

struct arena {
	handle_t folio;
	size_t size;
	// The first block follows.
};
#define ARENA_HEADER 16u
_Static_assert(sizeof(struct arena) <= ARENA_HEADER && HEADER % ALIGN == 0, "alignment of blocks");

// Bins: the highest bit of a size, then the next two bits.
#define FIRST_SHIFT 4
#define FIRST_BINS 44
#define SECOND_BINS 4

static struct {
	struct mutex lock;
	bool initialised;
	uint64_t first_map;
	uint8_t second_map[FIRST_BINS];
	struct list bins[FIRST_BINS][SECOND_BINS];
	size_t arena_bytes;
	struct block *spare;  // the one block of an empty arena that was kept
} heap;

static size_t block_size(const struct block *b)
{
	return b->size_flags & ~BLOCK_FLAGS;
}

static struct block *block_next(struct block *b)
{
	return (struct block *)(void *)((char *)b + HEADER + block_size(b));
}

static struct block *block_prev(struct block *b)
{
	return (struct block *)(void *)((char *)b - b->prev_size - HEADER);
}

static void block_set_size(struct block *b, size_t size, size_t flags)
{
	b->size_flags = size | flags;
	block_next(b)->prev_size = size;
}

static void bin_index(size_t size, unsigned int *first, unsigned int *second)
{
	unsigned int top = 63u - (unsigned int)__builtin_clzl(size);

	*first = top - FIRST_SHIFT;
	*second = (size >> (top - 2)) & (SECOND_BINS - 1);
}

static void bin_insert(struct block *b)
{
	unsigned int first, second;

	bin_index(block_size(b), &first, &second);
	list_push_front(&heap.bins[first][second], &b->bin);
	heap.first_map |= 1ull << first;
	heap.second_map[first] |= (uint8_t)(1u << second);
}

static void bin_remove(struct block *b)
{
	unsigned int first, second;

	bin_index(block_size(b), &first, &second);
	list_remove(&b->bin);
	if (!list_is_empty(&heap.bins[first][second]))
		return;
	heap.second_map[first] &= (uint8_t) ~(1u << second);
	if (heap.second_map[first] == 0)
		heap.first_map &= ~(1ull << first);
}

// A free block of at least `size` bytes, still in its bin; NULL when there is none.
static struct block *bin_find(size_t size)
{
	unsigned int first, second, map;
	uint64_t first_map;

	// Rounded up to the next class, so that every block of the bin fits.
	size += (1ul << (63u - (unsigned int)__builtin_clzl(size) - 2)) - 1;
	bin_index(size, &first, &second);
	if (first >= FIRST_BINS)
		return NULL;
	map = heap.second_map[first] & ~0u << second;
	if (map == 0) {
		first_map = first + 1 < FIRST_BINS ? heap.first_map & ~0ull << (first + 1) : 0;
		if (first_map == 0)
			return NULL;
		first = (unsigned int)__builtin_ctzll(first_map);
		map = heap.second_map[first];
	}
	second = (unsigned int)__builtin_ctz(map);
	return container_of(heap.bins[first][second].next, struct block, bin);
}

static void heap_init(void)
{
	for (size_t i = 0; i < FIRST_BINS; i++) {
		for (size_t j = 0; j < SECOND_BINS; j++)
			list_init(&heap.bins[i][j]);
	}
	heap.initialised = true;
}

static error_t arena_map(size_t size, uint32_t flags, handle_t *folio, void **base)
{
	error_t err = folio_create(size, flags, folio);

	if (err != 0)
		return err;
	err = folio_map(*folio, PROT_READ | PROT_WRITE, base);
	if (err != 0)
		handle_close(*folio);
	return err;
}

// A new arena of `size` bytes (whole pages); its one free block, in no bin yet. NULL without
// memory.
static struct block *arena_create(size_t size)
{
	struct arena *arena;
	struct block *b;
	handle_t folio;
	void *base;
	error_t err = ERR_TOO_LARGE;

	if (size <= FOLIO_MAX_CONTIGUOUS)
		err = arena_map(size, FOLIO_CONTIGUOUS, &folio, &base);
	if (err == ERR_TOO_LARGE || err == ERR_NO_MEMORY)
		err = arena_map(size, FOLIO_LAZY, &folio, &base);
	if (err != 0)
		return NULL;
	arena = base;
	arena->folio = folio;
	arena->size = size;
	b = (struct block *)(void *)((char *)base + ARENA_HEADER);
	b->prev_size = 0;
	block_set_size(b, size - ARENA_HEADER - 2 * HEADER, BLOCK_FREE);
	block_next(b)->size_flags = BLOCK_LAST;
	heap.arena_bytes += size;
	return b;
}

static void arena_destroy(struct block *first)
{
	struct arena *arena = (struct arena *)(void *)((char *)first - ARENA_HEADER);

	heap.arena_bytes -= arena->size;
	handle_close(arena->folio);
}

// A new arena for a block of `size` bytes. Arenas grow with the heap, so that a large one needs few
// handles.
static struct block *heap_grow(size_t size)
{
	size_t least = (size + ARENA_HEADER + 2 * HEADER + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	size_t want = heap.arena_bytes / 8 & ~(ARENA_SIZE - 1);
	struct block *b = NULL;

	if (least > ARENA_SIZE / 2)
		return arena_create(least);
	if (want > ARENA_LARGEST)
		want = ARENA_LARGEST;
	if (want > ARENA_SIZE)
		b = arena_create(want);
	if (b == NULL)
		b = arena_create(ARENA_SIZE);
	return b != NULL ? b : arena_create(least);
}

// Cuts what is over off the end of `b`, which is in no bin, and puts it into one.
static void block_trim(struct block *b, size_t size)
{
	size_t over = block_size(b) - size;
	struct block *rest;

	if (over < HEADER + BLOCK_MIN)
		return;
	block_set_size(b, size, BLOCK_FREE);
	rest = block_next(b);
	block_set_size(rest, over - HEADER, BLOCK_FREE);
	bin_insert(rest);
}

static struct block *block_take(size_t size)
{
	struct block *b = bin_find(size);

	if (b != NULL) {
		bin_remove(b);
		if (b == heap.spare)
			heap.spare = NULL;
	} else {
		b = heap_grow(size);
		if (b == NULL)
			return NULL;
	}
	block_trim(b, size);
	b->size_flags &= ~BLOCK_FREE;
	return b;
}

// The size of a block for `size` bytes; 0 when that is too large.
static size_t block_size_for(size_t size)
{
	if (size > (1ul << 40))
		return 0;
	return size < BLOCK_MIN ? BLOCK_MIN : (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *heap_alloc_unset(size_t size)
{
	struct block *b;

	size = block_size_for(size);
	if (size == 0)
		return NULL;
	mutex_lock(&heap.lock);
	if (!heap.initialised)
		heap_init();
	b = block_take(size);
	mutex_unlock(&heap.lock);
	return b != NULL ? &b->bin : NULL;
}

void *heap_alloc(size_t size)
{
	void *bytes = heap_alloc_unset(size);

	return bytes != NULL ? memset(bytes, 0, block_size_for(size)) : NULL;
}

// The block of bytes that were given.
static struct block *block_of(const void *ptr)
{
	struct block *b = (struct block *)((uintptr_t)ptr - HEADER);

	// A pointer that is not ours, or freed.
	assert((b->size_flags & BLOCK_FLAGS) == 0 && block_next(b)->prev_size == block_size(b));
	return b;
}

size_t heap_size(const void *ptr)
{
	return block_size(block_of(ptr));
}

// Makes `b` `size` bytes large where it is. False when it is too small, with what is free behind
// it.
static bool block_resize(struct block *b, size_t size)
{
	struct block *next = block_next(b);
	size_t room = block_size(b);

	if (size <= room && room - size < HEADER + BLOCK_MIN)
		return true;
	if (next->size_flags & BLOCK_FREE)
		room += HEADER + block_size(next);
	if (size > room)
		return false;
	if (next->size_flags & BLOCK_FREE)
		bin_remove(next);
	block_set_size(b, room, 0);
	block_trim(b, size);
	b->size_flags &= ~BLOCK_FREE;
	return true;
}

void *heap_resize(void *ptr, size_t size)
{
	size_t fitting = block_size_for(size);
	struct block *b;
	void *bytes;
	bool done;

	if (ptr == NULL || fitting == 0)
		return ptr == NULL ? heap_alloc_unset(size) : NULL;
	mutex_lock(&heap.lock);
	b = block_of(ptr);
	done = block_resize(b, fitting);
	mutex_unlock(&heap.lock);
	if (done)
		return ptr;
	bytes = heap_alloc_unset(size);
	if (bytes == NULL)
		return NULL;
	memcpy(bytes, ptr, block_size(b));
	heap_free(ptr);
	return bytes;
}

// Merges the free block `b`, which is in no bin, with its free neighbours.
static struct block *block_merge(struct block *b)
{
	struct block *next = block_next(b);

	if (next->size_flags & BLOCK_FREE) {
		bin_remove(next);
		block_set_size(b, block_size(b) + HEADER + block_size(next), BLOCK_FREE);
	}
	if (b->prev_size != 0 && (block_prev(b)->size_flags & BLOCK_FREE) != 0) {
		struct block *prev = block_prev(b);

		bin_remove(prev);
		block_set_size(prev, block_size(prev) + HEADER + block_size(b), BLOCK_FREE);
		b = prev;
	}
	return b;
}

void heap_free(void *ptr)
{
	struct block *b;
	bool whole;

	if (ptr == NULL)
		return;
	mutex_lock(&heap.lock);
	b = block_of(ptr);
	b->size_flags |= BLOCK_FREE;
	b = block_merge(b);
	whole = b->prev_size == 0 && (block_next(b)->size_flags & BLOCK_LAST) != 0;
	if (whole && (heap.spare != NULL || block_size(b) >= ARENA_SIZE)) {
		arena_destroy(b);
	} else {
		bin_insert(b);
		if (whole)
			heap.spare = b;
	}
	mutex_unlock(&heap.lock);
}
