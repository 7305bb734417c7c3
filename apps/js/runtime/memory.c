// SPDX-License-Identifier: MIT
//
// The memory of the runtime: the app's heap, up to a limit of the runtime's own, so that too much
// is an exception first.
#include "apps/js/runtime/memory.h"

#include "libs/starina/alloc.h"

// What a block takes besides its bytes.
#define OVERHEAD 16u

static bool fits(const JSMallocState *s, size_t size)
{
	return size <= s->malloc_limit && s->malloc_size <= s->malloc_limit - size;
}

static void *memory_alloc(JSMallocState *s, size_t size)
{
	void *ptr = fits(s, size) ? heap_alloc_unset(size) : NULL;

	if (ptr == NULL)
		return NULL;
	s->malloc_count++;
	s->malloc_size += heap_size(ptr) + OVERHEAD;
	return ptr;
}

static void memory_free(JSMallocState *s, void *ptr)
{
	if (ptr == NULL)
		return;
	s->malloc_count--;
	s->malloc_size -= heap_size(ptr) + OVERHEAD;
	heap_free(ptr);
}

static void *memory_resize(JSMallocState *s, void *ptr, size_t size)
{
	size_t old;

	if (ptr == NULL)
		return memory_alloc(s, size);
	if (size == 0) {
		memory_free(s, ptr);
		return NULL;
	}
	old = heap_size(ptr);
	if (size > old && !fits(s, size - old))
		return NULL;
	ptr = heap_resize(ptr, size);
	if (ptr != NULL)
		s->malloc_size += heap_size(ptr) - old;
	return ptr;
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
