// SPDX-License-Identifier: MIT
//
// The functions of <string.h> that a freestanding compiler relies on, and few more. On the host the
// C library's serve.
#pragma once

#ifdef STARINA_HOST
#include <string.h>
#else
#include <stddef.h>

// As C11 7.24 and POSIX define them.
void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *s, int byte, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int byte);
#endif

// Copies `src` into `dst` of `size` bytes, cut if it must be, always terminated. Returns
// strlen(src).
size_t str_copy(char *dst, const char *src, size_t size);
