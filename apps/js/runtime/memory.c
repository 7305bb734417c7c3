// SPDX-License-Identifier: MIT
//
// The memory of the runtime: the app's heap. When that is at its limit, JavaScript gets an
// exception. Scripts take and give back small blocks all the time: some of each size are kept here
// for the next ones, which costs a tenth of asking the heap; it gets them back when it has no more.
#include "apps/js/runtime/memory.h"

#include "libs/starina/alloc.h"

// What a block takes besides its bytes.
#define OVERHEAD 16u

// Blocks of up to SMALL_MAX bytes are kept, at most KEPT_MAX of each multiple of SMALL_UNIT.
#define SMALL_UNIT 16u
#define SMALL_MAX 256u
#define KEPT_MAX 32u

struct kept_block {
	struct kept_block *next;
};

static struct kept_list {
	struct kept_block *first;
	size_t count;
} kept[SMALL_MAX / SMALL_UNIT + 1];

// NULL: none is kept.
static void *kept_take(size_t size)
{
	struct kept_list *list = &kept[(size + SMALL_UNIT - 1) / SMALL_UNIT];
	struct kept_block *block = list->first;

	if (block == NULL)
		return NULL;
	list->first = block->next;
	list->count--;
	return block;
}

// False: there are enough of its size.
static bool kept_give(void *ptr, size_t size)
{
	struct kept_list *list = &kept[size / SMALL_UNIT];
	struct kept_block *block = ptr;

	if (list->count == KEPT_MAX)
		return false;
	block->next = list->first;
	list->first = block;
	list->count++;
	return true;
}

// Gives the heap all that is kept. False: there was nothing.
static bool kept_give_back(void)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		for (void *block; (block = kept_take(i * SMALL_UNIT)) != NULL; any = true)
			heap_free(block);
	}
	return any;
}

static bool fits(const JSMallocState *s, size_t size)
{
	return size <= s->malloc_limit && s->malloc_size <= s->malloc_limit - size;
}

static void *memory_alloc(JSMallocState *s, size_t size)
{
	void *ptr;

	if (!fits(s, size))
		return NULL;
	ptr = size <= SMALL_MAX ? kept_take(size) : NULL;
	if (ptr == NULL)
		ptr = heap_alloc_unset(size);
	if (ptr == NULL && kept_give_back())
		ptr = heap_alloc_unset(size);
	if (ptr == NULL)
		return NULL;
	s->malloc_count++;
	s->malloc_size += heap_size(ptr) + OVERHEAD;
	return ptr;
}

static void memory_free(JSMallocState *s, void *ptr)
{
	size_t size;

	if (ptr == NULL)
		return;
	size = heap_size(ptr);
	s->malloc_count--;
	s->malloc_size -= size + OVERHEAD;
	if (size > SMALL_MAX || !kept_give(ptr, size))
		heap_free(ptr);
}

static void *memory_resize(JSMallocState *s, void *ptr, size_t size)
{
	size_t old;
	void *moved;

	if (ptr == NULL)
		return memory_alloc(s, size);
	if (size == 0) {
		memory_free(s, ptr);
		return NULL;
	}
	old = heap_size(ptr);
	if (size > old && !fits(s, size - old))
		return NULL;
	moved = heap_resize(ptr, size);
	if (moved == NULL && kept_give_back())
		moved = heap_resize(ptr, size);
	if (moved != NULL)
		s->malloc_size += heap_size(moved) - old;
	return moved;
}

static size_t memory_size(const void *ptr)
{
	return ptr != NULL ? heap_size(ptr) : 0;
}

const JSMallocFunctions js_memory = {
	.js_malloc = memory_alloc,
	.js_free = memory_free,
	.js_realloc = memory_resize,
	.js_malloc_usable_size = memory_size,
};
