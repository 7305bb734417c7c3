// SPDX-License-Identifier: MIT
//
// malloc and its kind on the heap of the SDK (libs/starina/alloc.h).
#include "libs/starina/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static void *or_no_memory(void *ptr)
{
	if (ptr == NULL)
		errno = ENOMEM;
	return ptr;
}

void *malloc(size_t size)
{
	return or_no_memory(heap_alloc_unset(size));
}

void *calloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return or_no_memory(NULL);
	return or_no_memory(heap_alloc(total));
}

void *realloc(void *ptr, size_t size)
{
	return or_no_memory(heap_resize(ptr, size));
}

void free(void *ptr)
{
	heap_free(ptr);
}

size_t malloc_usable_size(void *ptr)
{
	return ptr != NULL ? heap_size(ptr) : 0;
}
