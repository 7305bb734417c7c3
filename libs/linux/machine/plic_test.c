// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/machine/plic.h"

#define PRIORITY(source) (4u * (source))
#define PENDING 0x1000u
#define ENABLE(context) (0x2000u + 0x80u * (context))
#define THRESHOLD(context) (0x200000u + 0x1000u * (context))
#define CLAIM(context) (THRESHOLD(context) + 4u)
#define POSTED(context) (THRESHOLD(context) + 8u)
#define COUNT(context, source) (0x2800u + 0x80u * (context) + 4u * (source))

static struct plic plic;
static uint8_t page[PLIC_READABLE_SIZE] __attribute__((aligned(4096)));
static bool lines[2];
static uint32_t rises;
static uint32_t rings[2];

static void set_line(void *context, uint32_t vcpu, bool level)
{
	(void)context;
	rises += level && !lines[vcpu];
	lines[vcpu] = level;
}

static void ring(void *context, uint32_t vcpu)
{
	(void)context;
	rings[vcpu]++;
}

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	memset(lines, 0, sizeof(lines));
	memset(rings, 0, sizeof(rings));
	rises = 0;
	plic = (struct plic){ .num_sources = 8,
		              .num_contexts = 2,
		              .page = page,
		              .set_line = set_line,
		              .ring = ring };
	for (uint32_t i = 1; i <= 8; i++)
		plic_write(&plic, PRIORITY(i), 4, 1);
	return 0;
}

static void test_claim_complete(void **state)
{
	(void)state;
	plic_set_source(&plic, 3, true);
	assert_false(lines[0]);  // not enabled
	assert_int_equal(plic_read(&plic, PENDING, 4), 1 << 3);
	plic_write(&plic, ENABLE(0), 4, 1 << 3);
	assert_true(lines[0]);
	assert_false(lines[1]);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 3);
	assert_false(lines[0]);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 0);
	// Still high at completion: pending again. Low: quiet.
	plic_write(&plic, CLAIM(0), 4, 3);
	assert_true(lines[0]);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 3);
	plic_set_source(&plic, 3, false);
	plic_write(&plic, CLAIM(0), 4, 3);
	assert_false(lines[0]);
	assert_int_equal(rises, 2);
}

static void test_level_while_in_service(void **state)
{
	(void)state;
	plic_write(&plic, ENABLE(0), 4, 1 << 2);
	plic_set_source(&plic, 2, true);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 2);
	plic_set_source(&plic, 2, false);
	plic_set_source(&plic, 2, true);
	assert_false(lines[0]);  // the gateway waits for the completion
	plic_write(&plic, CLAIM(0), 4, 2);
	assert_true(lines[0]);
	plic_set_source(&plic, 2, false);
	assert_false(lines[0]);
}

static void test_priorities(void **state)
{
	(void)state;
	plic_write(&plic, ENABLE(1), 4, 0x1fe);
	plic_write(&plic, PRIORITY(5), 4, 3);
	plic_set_source(&plic, 1, true);
	plic_set_source(&plic, 2, true);
	plic_set_source(&plic, 5, true);
	assert_int_equal(plic_read(&plic, CLAIM(1), 4), 5);
	assert_int_equal(plic_read(&plic, CLAIM(1), 4), 1);
	plic_write(&plic, THRESHOLD(1), 4, 1);
	assert_false(lines[1]);
	assert_int_equal(plic_read(&plic, CLAIM(1), 4), 0);
	plic_write(&plic, THRESHOLD(1), 4, 0);
	assert_int_equal(plic_read(&plic, CLAIM(1), 4), 2);
	plic_write(&plic, PRIORITY(1), 4, 0);
	plic_write(&plic, CLAIM(1), 4, 1);
	assert_int_equal(plic_read(&plic, CLAIM(1), 4), 0);  // priority 0 never interrupts
}

static void test_hostile_accesses(void **state)
{
	(void)state;
	plic_write(&plic, ENABLE(0), 4, UINT32_MAX);
	assert_int_equal(plic_read(&plic, ENABLE(0), 4), 0x1fe);
	plic_write(&plic, ENABLE(2), 4, UINT32_MAX);
	plic_write(&plic, ENABLE(0) + 4, 4, UINT32_MAX);
	plic_write(&plic, PRIORITY(0), 4, 7);
	plic_write(&plic, PRIORITY(9), 4, 7);
	plic_write(&plic, PRIORITY(1), 4, UINT32_MAX);
	assert_int_equal(plic_read(&plic, PRIORITY(1), 4), 7);
	assert_int_equal(plic_read(&plic, PRIORITY(9), 4), 0);
	plic_write(&plic, PENDING, 4, UINT32_MAX);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 0);
	plic_write(&plic, CLAIM(0), 4, 3);  // not claimed
	plic_write(&plic, CLAIM(0), 4, 32);
	plic_write(&plic, CLAIM(0), 4, UINT32_MAX);
	plic_write(&plic, CLAIM(2), 4, 1);
	assert_int_equal(plic_read(&plic, CLAIM(2), 4), 0);
	assert_int_equal(plic_read(&plic, PLIC_READABLE_SIZE - 2, 4), 0);
	assert_int_equal(plic_read(&plic, PLIC_SIZE - 4, 4), 0);
	assert_int_equal(plic_read(&plic, UINT64_MAX - 3, 4), 0);
	assert_int_equal(plic_read(&plic, 0, 8), 0);
	// Between two registers.
	plic_write(&plic, PRIORITY(1) + 1, 4, UINT32_MAX);
	assert_int_equal(plic_read(&plic, PRIORITY(1), 4), 7);
	assert_int_equal(plic_read(&plic, PRIORITY(2) - 1, 4), 0);
	plic_set_source(&plic, 9, true);
	plic_set_source(&plic, 0, true);
	plic_set_source(&plic, UINT32_MAX, true);
	assert_false(lines[0]);
	// A context completes only what it has claimed.
	plic_set_source(&plic, 4, true);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 4);
	plic_write(&plic, CLAIM(1), 4, 4);
	assert_false(lines[0]);
	plic_write(&plic, CLAIM(0), 4, 4);
	assert_true(lines[0]);
}

static uint32_t count(uint32_t context, uint32_t source)
{
	return (uint32_t)plic_read(&plic, COUNT(context, source), 4);
}

// What was posted is neither pending nor claimed, and raises no line.
static void test_post(void **state)
{
	(void)state;
	plic_write(&plic, ENABLE(0), 4, 1 << 3);
	// A driver that was written for the specification.
	assert_false(plic_post(&plic, 3));
	assert_int_equal(plic_read(&plic, PENDING, 4), 0);
	plic_write(&plic, POSTED(0), 4, 1);
	assert_int_equal(plic_read(&plic, POSTED(0), 4), 1);
	assert_true(plic_post(&plic, 3));
	assert_int_equal(count(0, 3), 1);
	assert_true(plic_post(&plic, 3));
	assert_int_equal(count(0, 3), 2);
	assert_int_equal(rings[0], 2);
	assert_int_equal(plic_read(&plic, PENDING, 4), 0);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 0);
	assert_int_equal(rises, 0);
	// A level is one edge, at its rise.
	plic_set_source(&plic, 3, true);
	plic_set_source(&plic, 3, false);
	assert_int_equal(count(0, 3), 3);
	assert_int_equal(rings[0], 3);
	assert_int_equal(rings[1], 0);
}

// An edge of a source that is masked waits, whatever its level does.
static void test_posted_edge_waits(void **state)
{
	(void)state;
	plic_write(&plic, POSTED(0), 4, 1);
	assert_true(plic_post(&plic, 5));
	plic_set_source(&plic, 5, true);
	plic_set_source(&plic, 5, false);
	assert_int_equal(rings[0], 0);
	plic_write(&plic, PRIORITY(5), 4, 0);
	plic_write(&plic, ENABLE(0), 4, 1 << 5 | 1 << 6);
	assert_int_equal(rings[0], 0);
	plic_write(&plic, THRESHOLD(0), 4, 1);
	plic_write(&plic, PRIORITY(5), 4, 1);
	assert_true(plic_post(&plic, 6));
	assert_int_equal(rings[0], 0);
	// Both at once are one interrupt of the hart.
	plic_write(&plic, THRESHOLD(0), 4, 0);
	assert_int_equal(rings[0], 1);
	assert_int_equal(count(0, 5), 1);
	assert_int_equal(count(0, 6), 1);
}

// Each context is asked for its own; a source goes where it is enabled.
static void test_post_to_a_context(void **state)
{
	(void)state;
	plic_write(&plic, POSTED(1), 4, 1);
	plic_write(&plic, ENABLE(1), 4, 1 << 2);
	plic_write(&plic, ENABLE(0), 4, 1 << 3);
	assert_true(plic_post(&plic, 2));
	assert_int_equal(rings[1], 1);
	assert_int_equal(count(1, 2), 1);
	assert_int_equal(count(0, 2), 0);
	// The other context claims, as the specification has it.
	plic_set_source(&plic, 3, true);
	assert_true(lines[0]);
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 3);
	assert_int_equal(rings[0], 0);
	// The source has moved to the context that claims, which is told by its line.
	plic_write(&plic, ENABLE(1), 4, 0);
	plic_write(&plic, ENABLE(0), 4, 1 << 2);
	assert_true(plic_post(&plic, 2));
	assert_int_equal(plic_read(&plic, CLAIM(0), 4), 2);
	assert_int_equal(count(1, 2), 1);
}

static void test_hostile_posts(void **state)
{
	(void)state;
	plic_write(&plic, POSTED(0), 4, 0);
	plic_write(&plic, POSTED(0), 4, 2);
	plic_write(&plic, POSTED(0), 8, 1);
	plic_write(&plic, POSTED(2), 4, 1);
	assert_false(plic_post(&plic, 1));
	plic_write(&plic, POSTED(0), 4, 1);
	plic_write(&plic, POSTED(0), 4, 0);
	assert_int_equal(plic_read(&plic, POSTED(0), 4), 1);
	plic_write(&plic, ENABLE(0), 4, UINT32_MAX);
	assert_false(plic_post(&plic, 0));
	assert_false(plic_post(&plic, 9));
	assert_false(plic_post(&plic, UINT32_MAX));
	// The counts are ours.
	plic_write(&plic, COUNT(0, 1), 4, 77);
	assert_int_equal(count(0, 1), 0);
	assert_true(plic_post(&plic, 1));
	plic_write(&plic, CLAIM(0), 4, 1);
	assert_int_equal(count(0, 1), 1);
	assert_int_equal(rings[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_claim_complete, setup),
		cmocka_unit_test_setup(test_level_while_in_service, setup),
		cmocka_unit_test_setup(test_priorities, setup),
		cmocka_unit_test_setup(test_hostile_accesses, setup),
		cmocka_unit_test_setup(test_post, setup),
		cmocka_unit_test_setup(test_posted_edge_waits, setup),
		cmocka_unit_test_setup(test_post_to_a_context, setup),
		cmocka_unit_test_setup(test_hostile_posts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
