// SPDX-License-Identifier: MIT
// The device's side of a virtqueue against drivers that break the rules.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_test.h"

static struct test_guest *guest;
static struct device_queue queue;
static struct device_chain chain;

static void start(bool event_index)
{
	device_queue_reset(&queue);
	memset(guest->memory, 0, TEST_SIZE);
	queue.size = TEST_QUEUE_SIZE;
	queue.desc_gpa = TEST_GPA;
	queue.avail_gpa = TEST_GPA + 1024;
	queue.used_gpa = TEST_GPA + 2048;
	assert_int_equal(device_queue_start(&queue, &guest->mem, event_index), 0);
}

static int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	memset(guest, 0, sizeof(*guest));
	guest->mem =
		(struct guest_memory){ .gpa = TEST_GPA, .base = guest->memory, .size = TEST_SIZE };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(guest);
	return 0;
}

static void expect_broken(void)
{
	assert_int_equal(device_queue_pop(&queue, &chain), ERR_PROTOCOL);
	assert_true(queue.broken);
	assert_int_equal(device_queue_pop(&queue, &chain), ERR_EMPTY);
	device_queue_push(&queue, 0, 0);
	assert_int_equal(test_used(guest, 0)->idx, 0);
}

static void test_chain(void **state)
{
	char text[8] = { 0 };

	(void)state;
	start(false);
	assert_int_equal(device_queue_pop(&queue, &chain), ERR_EMPTY);
	memcpy(guest->memory + TEST_BUFFERS, "abcdef", 6);
	test_set_desc(guest, 0, 3, TEST_GPA + TEST_BUFFERS, 4, VIRTQ_DESC_F_NEXT, 5);
	test_set_desc(guest, 0, 5, TEST_GPA + TEST_BUFFERS + 4, 2, VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, 0, 1, TEST_GPA + TEST_BUFFERS + 100, 3, VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, 0, 3);
	assert_true(device_queue_has_work(&queue));
	assert_int_equal(device_queue_pop(&queue, &chain), 0);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.readable_len, 6);
	assert_int_equal(chain.writable_len, 3);
	assert_int_equal(device_chain_read(&chain, 1, text, sizeof(text)), 5);
	assert_string_equal(text, "bcdef");
	assert_int_equal(device_chain_write(&chain, 1, "XYZ", 3), 2);
	assert_memory_equal(guest->memory + TEST_BUFFERS + 100, "\0XY", 4);
	device_queue_push(&queue, chain.head, 3);
	assert_int_equal(test_used(guest, 0)->idx, 1);
	assert_int_equal(test_used(guest, 0)->ring[0].id, 3);
	assert_int_equal(test_used(guest, 0)->ring[0].len, 3);
	assert_false(device_queue_has_work(&queue));
}

static void test_loop(void **state)
{
	(void)state;
	start(false);
	test_set_desc(guest, 0, 0, TEST_GPA, 16, VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, 0, 1, TEST_GPA, 16, VIRTQ_DESC_F_NEXT, 0);
	test_offer(guest, 0, 0);
	expect_broken();
}

static void test_bad_indices(void **state)
{
	(void)state;
	start(false);
	test_offer(guest, 0, TEST_QUEUE_SIZE);
	expect_broken();
	start(false);
	test_set_desc(guest, 0, 0, TEST_GPA, 16, VIRTQ_DESC_F_NEXT, 0xffff);
	test_offer(guest, 0, 0);
	expect_broken();
	// More available than the queue is long.
	start(false);
	test_avail(guest, 0)->idx = TEST_QUEUE_SIZE + 1;
	expect_broken();
}

static void test_bad_addresses(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
	} bad[] = {
		{ 0, 1 },
		{ TEST_GPA - 1, 2 },
		{ TEST_GPA + TEST_SIZE, 1 },
		{ TEST_GPA + TEST_SIZE - 1, 2 },
		{ TEST_GPA, UINT32_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX - 1, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start(false);
		test_set_desc(guest, 0, 0, bad[i].addr, bad[i].len, 0, 0);
		test_offer(guest, 0, 0);
		expect_broken();
	}
	// The last byte is fine.
	start(false);
	test_set_desc(guest, 0, 0, TEST_GPA + TEST_SIZE - 1, 1, 0, 0);
	test_offer(guest, 0, 0);
	assert_int_equal(device_queue_pop(&queue, &chain), 0);
}

static void test_readable_after_writable(void **state)
{
	(void)state;
	start(false);
	test_set_desc(guest, 0, 0, TEST_GPA, 1, VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, 0, 1, TEST_GPA, 1, 0, 0);
	test_offer(guest, 0, 0);
	expect_broken();
}

static void offer_indirect(uint32_t len, uint16_t flags)
{
	test_set_desc(guest, 0, 0, TEST_GPA + TEST_BUFFERS, len,
	              (uint16_t)(VIRTQ_DESC_F_INDIRECT | flags), 1);
	test_offer(guest, 0, 0);
}

static void test_indirect(void **state)
{
	struct virtq_desc *table;

	(void)state;
	start(false);
	table = (struct virtq_desc *)(void *)(guest->memory + TEST_BUFFERS);
	table[0] = (struct virtq_desc){ .addr = TEST_GPA,
		                        .len = 7,
		                        .flags = VIRTQ_DESC_F_NEXT,
		                        .next = 1 };
	table[1] = (struct virtq_desc){ .addr = TEST_GPA, .len = 9, .flags = VIRTQ_DESC_F_WRITE };
	offer_indirect(32, 0);
	assert_int_equal(device_queue_pop(&queue, &chain), 0);
	assert_int_equal(chain.readable_len, 7);
	assert_int_equal(chain.writable_len, 9);

	// Lengths that are no whole table, tables in tables, indirect and next at once, and a loop
	// inside.
	start(false);
	offer_indirect(0, 0);
	expect_broken();
	start(false);
	offer_indirect(24, 0);
	expect_broken();
	start(false);
	offer_indirect(16 * (DEVICE_CHAIN_MAX + 1), 0);
	expect_broken();
	start(false);
	offer_indirect(0xfffffff0, 0);
	expect_broken();
	start(false);
	offer_indirect(32, VIRTQ_DESC_F_NEXT);
	expect_broken();
	start(false);
	table[0] =
		(struct virtq_desc){ .addr = TEST_GPA, .len = 16, .flags = VIRTQ_DESC_F_INDIRECT };
	offer_indirect(16, 0);
	expect_broken();
	start(false);
	table[0] = (struct virtq_desc){ .addr = TEST_GPA,
		                        .len = 1,
		                        .flags = VIRTQ_DESC_F_NEXT,
		                        .next = 0 };
	offer_indirect(32, 0);
	expect_broken();
}

#define DESC TEST_GPA
#define AVAIL (TEST_GPA + 1024)
#define USED (TEST_GPA + 2048)

static void test_bad_rings(void **state)
{
	static const struct {
		uint32_t size;
		gpa_t desc, avail, used;
	} bad[] = {
		{ 0, DESC, AVAIL, USED },
		{ 3, DESC, AVAIL, USED },
		{ DEVICE_QUEUE_MAX_SIZE * 2, DESC, AVAIL, USED },
		{ 8, DESC + 8, AVAIL, USED },
		{ 8, DESC, AVAIL + 1, USED },
		{ 8, DESC, AVAIL, USED + 2 },
		{ 8, TEST_GPA + TEST_SIZE - 112, AVAIL, USED },
		{ 8, DESC, TEST_GPA + TEST_SIZE - 20, USED },
		{ 8, DESC, AVAIL, TEST_GPA + TEST_SIZE - 68 },
		{ 8, 0, AVAIL, USED },
		{ 8, UINT64_MAX & ~15ull, AVAIL, USED },
		// Over each other: 128 bytes of descriptors, 22 and 70 of rings.
		{ 8, DESC, AVAIL, AVAIL },
		{ 8, DESC, AVAIL, AVAIL + 20 },
		{ 8, DESC, USED + 68, USED },
		{ 8, DESC, DESC + 126, USED },
		{ 8, USED + 64, AVAIL, USED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		device_queue_reset(&queue);
		queue.size = bad[i].size;
		queue.desc_gpa = bad[i].desc;
		queue.avail_gpa = bad[i].avail;
		queue.used_gpa = bad[i].used;
		assert_true(device_queue_start(&queue, &guest->mem, true) < 0);
		assert_false(queue.ready);
	}
	// Side by side they may be.
	queue.desc_gpa = DESC;
	queue.avail_gpa = DESC + 128;
	queue.used_gpa = DESC + 128 + 24;
	assert_int_equal(device_queue_start(&queue, &guest->mem, true), 0);
}

static void test_event_index(void **state)
{
	(void)state;
	start(true);
	test_set_desc(guest, 0, 0, TEST_GPA, 1, 0, 0);
	// The driver wants to hear of the second used buffer only.
	test_avail(guest, 0)->ring[TEST_QUEUE_SIZE] = 1;
	test_offer(guest, 0, 0);
	test_offer(guest, 0, 0);
	assert_int_equal(device_queue_pop(&queue, &chain), 0);
	device_queue_push(&queue, 0, 0);
	assert_false(device_queue_wants_interrupt(&queue));
	assert_int_equal(device_queue_pop(&queue, &chain), 0);
	device_queue_push(&queue, 0, 0);
	assert_true(device_queue_wants_interrupt(&queue));
	assert_false(device_queue_wants_interrupt(&queue));

	// avail_event lies behind the used ring.
	uint16_t *avail_event = (uint16_t *)(void *)&test_used(guest, 0)->ring[TEST_QUEUE_SIZE];
	device_queue_suppress_notify(&queue);
	assert_int_equal(virtq_need_event(*avail_event, 10, 2), 0);
	assert_false(device_queue_want_notify(&queue));
	assert_int_equal(*avail_event, 2);
	test_offer(guest, 0, 0);
	assert_true(device_queue_want_notify(&queue));
}

static void test_flags_without_event_index(void **state)
{
	(void)state;
	start(false);
	test_set_desc(guest, 0, 0, TEST_GPA, 1, 0, 0);
	device_queue_suppress_notify(&queue);
	assert_int_equal(test_used(guest, 0)->flags, VIRTQ_USED_F_NO_NOTIFY);
	assert_false(device_queue_want_notify(&queue));
	assert_int_equal(test_used(guest, 0)->flags, 0);
	test_avail(guest, 0)->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
	device_queue_push(&queue, 0, 0);
	assert_false(device_queue_wants_interrupt(&queue));
	test_avail(guest, 0)->flags = 0;
	device_queue_push(&queue, 0, 0);
	assert_true(device_queue_wants_interrupt(&queue));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_bad_indices),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_readable_after_writable),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_bad_rings),
		cmocka_unit_test(test_event_index),
		cmocka_unit_test(test_flags_without_event_index),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
