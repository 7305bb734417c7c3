// SPDX-License-Identifier: MIT
//
// Tags over rollovers while several harts enter: each hart is a thread, with a TLB that remembers
// whose translations an id has. Under ThreadSanitizer.
#include "kernel/arch/riscv64/tlb_tag.h"

// Before the C library, whose clocks are macros of the names that ours have.
#include "kernel/sched/spinlock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NUM_HARTS 4u
#define NUM_SPACES 7u
#define BITS 2u
#define ENTRIES 1000000u

static struct tlb_tags tags;
static struct tlb_tag spaces[NUM_SPACES];

void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = (struct spinlock){ .rank = (uint32_t)rank };
}

void spin_check_order(const struct spinlock *lock)
{
	(void)lock;
}

void spin_note_locked(struct spinlock *lock)
{
	(void)lock;
}

void spin_note_unlock(struct spinlock *lock)
{
	(void)lock;
}

// Returns the number of entries that found another space's translations.
static void *run_hart(void *arg)
{
	uint32_t hart = (uint32_t)(uintptr_t)arg;
	const struct tlb_tag *tlb[1u << BITS] = { 0 };
	uint32_t random = hart + 1;
	uintptr_t wrong = 0;

	for (unsigned i = 0; i < ENTRIES; i++) {
		struct tlb_tag *space;
		bool must_fence;
		uint32_t id;

		random = random * 1103515245u + 12345u;
		space = &spaces[(random >> 16) % NUM_SPACES];
		id = tlb_tag_enter(&tags, space, hart, &must_fence);
		if (must_fence)
			memset(tlb, 0, sizeof(tlb));
		if (tlb[id] != NULL && tlb[id] != space)
			wrong++;
		tlb[id] = space;
	}
	return (void *)wrong;
}

static void test_no_entry_finds_another_space(void **state)
{
	pthread_t threads[NUM_HARTS];

	(void)state;
	tlb_tags_init(&tags, BITS);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_hart, (void *)(uintptr_t)i),
		                 0);
	for (uint32_t i = 0; i < NUM_HARTS; i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_entry_finds_another_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
