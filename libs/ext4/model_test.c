// SPDX-License-Identifier: MIT
//
// Random operations against a model in memory, and against e2fsck.
#include "libs/ext4/model_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct volume v;
static struct model model;

// Frees what has no name, for e2fsck has to find nothing to do.
static void release_orphans(void)
{
	for (uint32_t i = 0; i < MODEL_NODES; i++) {
		struct model_node *n = &model.nodes[i];

		if (!n->used || n->links > 0)
			continue;
		assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_release(&v.u, n->node)),
		                 0);
		n->used = false;
	}
}

static void run(uint64_t num_blocks, const char *arguments, uint32_t rounds, uint32_t steps)
{
	volume_create(&v, num_blocks, arguments);
	model_init(&model, &v);
	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t step = 0; step < steps; step++)
			model_step(&model);
		model_check(&model);
		release_orphans();
		volume_unmount_and_check(&v);
		volume_mount(&v);
		model_check(&model);
	}
	volume_destroy(&v);
}

static void a_disk_as_debian_makes_it(void **state)
{
	(void)state;
	run(1u << 15, "-t ext4 -b 4096 $f", 8, 1500);
}

static void a_disk_as_ours(void **state)
{
	(void)state;
	run(1u << 16, "-t ext4 -b 4096 -I 256 -J size=32 $f", 2, 5000);
}

static void small_groups(void **state)
{
	(void)state;
	run(1u << 14, "-t ext4 -b 4096 -g 1024 -J size=4 $f", 6, 1500);
}

static void a_full_disk(void **state)
{
	(void)state;
	run(1u << 12, "-t ext4 -b 4096 -m 0 -J size=4 $f", 6, 2500);
	assert_true(model.num_full > 0);
}

static void a_full_inode_table(void **state)
{
	(void)state;
	run(1u << 13, "-t ext4 -b 4096 -N 256 -J size=4 $f", 4, 2000);
	assert_true(model.num_full > 0);
}

static bool reserve_and_extend(struct ext4_node node, uint32_t block, uint32_t count)
{
	struct ext4_reservation r;

	if (VOLUME_RUN(&v, 0, ext4_reserve(&v.u, node, block, count, &r)) != 0)
		return false;
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_EXTEND,
	                            ext4_extend(&v.u, node, block, &r, r.count, false,
	                                        (block + r.count) * 4096ull)),
	                 0);
	ext4_reservation_used(v.fs, &r, r.count);
	return true;
}

// What a truncate has freed is held until its transaction is on the disk: one who needs it waits.
static void what_was_freed_can_be_used_at_once(void **state)
{
	struct ext4_new what = { .mode = 0100644 };
	struct ext4_attr attr;
	uint32_t block = 0;

	(void)state;
	volume_create(&v, 1u << 12, "-t ext4 -b 4096 -m 0 -J size=4 $f");
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                            ext4_create(&v.u, (struct ext4_node){ EXT4_ROOT_INODE, 0 },
	                                        text_span("a"), &what, &attr)),
	                 0);
	while (reserve_and_extend(attr.node, block, 100))
		block += 100;
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_TRUNCATE, ext4_truncate(&v.u, attr.node, 0)),
	                 0);
	assert_true(reserve_and_extend(attr.node, 0, 100));
	volume_destroy(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_as_debian_makes_it),
		cmocka_unit_test(a_disk_as_ours),
		cmocka_unit_test(small_groups),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(a_full_inode_table),
		cmocka_unit_test(what_was_freed_can_be_used_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
