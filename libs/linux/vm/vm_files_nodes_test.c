// SPDX-License-Identifier: MIT
#include "libs/linux/vm/vm_files_nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NUM_IDS 3000u

static bool fails;

void *heap_alloc(size_t size)
{
	return fails ? NULL : calloc(1, size);
}

void heap_free(void *ptr)
{
	free(ptr);
}

static void lookups_are_counted(void **state)
{
	struct files_nodes nodes = { 0 };

	(void)state;
	assert_false(files_nodes_has(&nodes, 5));
	assert_int_equal(files_nodes_forget(&nodes, 5, 1), 0);
	for (int i = 0; i < 3; i++)
		assert_true(files_nodes_give(&nodes, 5));
	assert_int_equal(files_nodes_forget(&nodes, 5, 2), 2);
	assert_true(files_nodes_has(&nodes, 5));
	assert_int_equal(files_nodes_forget(&nodes, 5, UINT64_MAX), 1);
	assert_false(files_nodes_has(&nodes, 5));
	assert_int_equal(nodes.num_nodes, 0);
	assert_true(files_nodes_give(&nodes, 6));
	files_nodes_clear(&nodes);
	assert_false(files_nodes_has(&nodes, 6));
	fails = true;
	assert_false(files_nodes_give(&nodes, 6));
	fails = false;
}

// Against an array, by numbers that repeat.
static void it_is_a_table(void **state)
{
	static uint64_t model[NUM_IDS];
	struct files_nodes nodes = { .salt = 77 };
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		uint64_t id, n, had;

		random = random * 6364136223846793005u + 1442695040888963407u;
		id = random >> 33 & 0xfff;
		// Grows and shrinks in turn.
		n = random >> 60 & 3;
		if (id >= NUM_IDS)
			continue;
		if ((i / 50000 % 2 == 0) == ((random >> 40) % 4 != 0)) {
			assert_true(files_nodes_give(&nodes, (id + 1) << 20));
			model[id]++;
		} else {
			had = model[id] < n ? model[id] : n;
			assert_int_equal(files_nodes_forget(&nodes, (id + 1) << 20, n), had);
			model[id] -= had;
		}
		assert_int_equal(files_nodes_has(&nodes, (id + 1) << 20), model[id] > 0);
	}
	for (uint64_t id = 0; id < NUM_IDS; id++) {
		assert_int_equal(files_nodes_has(&nodes, (id + 1) << 20), model[id] > 0);
		assert_int_equal(files_nodes_forget(&nodes, (id + 1) << 20, UINT64_MAX), model[id]);
	}
	assert_int_equal(nodes.num_nodes, 0);
	files_nodes_clear(&nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_are_counted),
		cmocka_unit_test(it_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
