// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "arch/cc.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "lwip/sys.h"

u32_t sys_now(void)
{
	nsec_t now = 0;

	if (clock_get(CLOCK_MONOTONIC, &now))
		return 0;
	return (u32_t)(now / NSEC_PER_MSEC);
}

uint32_t lwip_port_random(void)
{
	uint32_t value = 0;

	if (random_get(&value, sizeof(value)))
		assert_failed("random_get", __FILE__, __LINE__);
	return value;
}

void lwip_port_assert_failed(const char *text, const char *file, int line)
{
	assert_failed(text, file, line);
}

// lwIP never asks for more than a segment and its headers at a time; it relies on no zeroing.
void *malloc(size_t size)
{
	return heap_alloc(size);
}

void *calloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return heap_alloc(total);
}

void free(void *ptr)
{
	heap_free(ptr);
}

int atoi(const char *s)
{
	int value = 0;

	while (*s >= '0' && *s <= '9' && value < 100000000)
		value = value * 10 + (*s++ - '0');
	return value;
}
