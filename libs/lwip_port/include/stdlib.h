// SPDX-License-Identifier: MIT
// What lwIP wants of <stdlib.h>: the heap (mem.c with MEM_LIBC_MALLOC) and atoi.
#pragma once

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *ptr);
int atoi(const char *s);
