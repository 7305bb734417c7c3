// SPDX-License-Identifier: MIT
//
// For the host tests of the allocators: an arena that stands for RAM, with physical addresses of
// its own, and what the allocators call besides.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "kernel/debug/panic.h"
#include "kernel/mm/page_private.h"
#include "kernel/sched/spinlock.h"

#define ARENA_BASE UINT64_C(0x80000000)
#define ARENA_SIZE (16ul * 1024 * 1024)

static uint8_t arena[ARENA_SIZE] __attribute__((aligned(4 * 1024 * 1024)));
static uint8_t arena_map[ARENA_SIZE / PAGE_SIZE];

void *page_to_virt(paddr_t paddr)
{
	assert_in_range(paddr, ARENA_BASE, ARENA_BASE + ARENA_SIZE - 1);
	return arena + (paddr - ARENA_BASE);
}

paddr_t page_from_virt(const void *virt)
{
	return (paddr_t)((const uint8_t *)virt - arena) + ARENA_BASE;
}

void panic(const char *format, ...)
{
	mock_assert(0, format, __FILE__, __LINE__);
	abort();
}

// A fresh allocator with all of the arena free, full of rubbish.
static void arena_reset(void)
{
	memset(arena, 0xa5, sizeof(arena));
	page_init(ARENA_BASE, ARENA_BASE + ARENA_SIZE, arena_map);
	page_add_range(ARENA_BASE, ARENA_BASE + ARENA_SIZE);
}
