// SPDX-License-Identifier: MIT
//
// A page that is unmapped and given to somebody else while the kernel of other harts writes to it
// for threads of the process, without the space's lock. Each hart is a thread.
#include "kernel/arch/riscv64/arch_space_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/arch/host/host_threads.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/mm/page.h"

#define NUM_UNMAPS 8000u
#define WORDS (PAGE_SIZE / sizeof(uint64_t))

static struct arch_space space;
static uint32_t locked;  // the space's lock
static uint64_t stores;  // atomic
static bool stop;        // atomic

static void lock_space(void)
{
	while (!arch_lock_take(&locked))
		host_thread_pause();
}

static void unlock_space(void)
{
	arch_lock_give(&locked);
}

// Writes through a window for as long as it holds.
static void *write_all_the_time(void *arg)
{
	uint32_t random = 1;

	self = arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		volatile uint64_t *at;
		uint64_t unmaps;
		bool writable;

		lock_space();
		at = arch_space_window(&space, BASE, &writable);
		unmaps = space.unmaps;
		unlock_space();
		while (at != NULL && arch_space_hold(&self->arch.held_space, &space, unmaps)) {
			// Of any length, beside the way of an unmap.
			random = random * 1103515245u + 12345u;
			for (size_t i = 0; i < (random >> 16) % WORDS; i++)
				at[i] = 1;
			arch_space_release(&self->arch.held_space);
			__atomic_fetch_add(&stores, 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static void wait_a_little(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i = i + 1)
		;
}

// Whether the next owner of the page is its only one.
static bool unmap_and_look(volatile uint64_t *page, unsigned round)
{
	uint64_t before = __atomic_load_n(&stores, __ATOMIC_RELAXED);
	bool alone = true;

	lock_space();
	map(&space, 0, (paddr_t)(uintptr_t)page);
	unlock_space();
	// Somebody is at work, some of the time.
	for (unsigned i = 0; i < 1000 && __atomic_load_n(&stores, __ATOMIC_RELAXED) == before; i++)
		wait_a_little(round % 50);
	lock_space();
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	unlock_space();
	for (size_t i = 0; i < WORDS; i++)
		page[i] = 2;
	for (size_t i = 0; i < WORDS; i++)
		alone = alone && page[i] == 2;
	return alone;
}

static void test_nobody_writes_to_what_was_unmapped(void **state)
{
	uintptr_t threads[NUM_HARTS];
	unsigned wrong = 0;
	paddr_t page;

	(void)state;
	init(&space);
	arch_space_set_shared(&space, true);
	assert_int_equal(page_alloc(0, &page), 0);
	for (uint32_t i = 1; i < NUM_HARTS; i++) {
		harts[i].arch.running_space = &space;
		threads[i] = host_thread_start(write_all_the_time, &harts[i]);
	}
	for (unsigned i = 0; i < NUM_UNMAPS && wrong == 0; i++)
		wrong += !unmap_and_look(page_to_virt(page), i);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (uint32_t i = 1; i < NUM_HARTS; i++) {
		host_thread_join(threads[i]);
		harts[i].arch.running_space = NULL;
	}
	assert_int_equal(wrong, 0);
	page_free(page, 0);
	arch_space_deinit(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_nobody_writes_to_what_was_unmapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
