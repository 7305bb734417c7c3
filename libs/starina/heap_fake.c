// SPDX-License-Identifier: MIT
//
// The heap for tests on the host that count nothing and let nothing fail: the C library's.
#include <stdlib.h>

#include "libs/starina/alloc.h"

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *p)
{
	free(p);
}
