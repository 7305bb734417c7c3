// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_balloon.h"
#include "libs/virtio/device_test.h"

#define REPORTING VIRTIO_BALLOON_QUEUE_REPORTING
// The device never looks into what is reported, so the memory behind it need not be there.
#define MEMORY (512 * BLOCK_SIZE)
#define WRITE_NEXT (VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT)

static struct test_guest *guest;
static struct balloon_device *dev;
static struct {
	size_t offset;
	size_t length;
} discards[32];
static uint32_t num_discards;

static void note_discard(void *context, size_t offset, size_t length)
{
	assert_ptr_equal(context, dev);
	assert_true(num_discards < 32);
	discards[num_discards].offset = offset;
	discards[num_discards++].length = length;
}

static int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	dev = calloc(1, sizeof(*dev));
	test_guest_init(guest, &dev->mmio);
	guest->mem.size = MEMORY;
	dev->discard = note_discard;
	dev->context = dev;
	balloon_device_init(dev);
	test_start_device(&dev->mmio, VIRTIO_BALLOON_F_PAGE_REPORTING);
	num_discards = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

static void test_offers(void **state)
{
	(void)state;
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_DEVICE_ID), 5);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	assert_true((test_read_reg(&dev->mmio, VIRTIO_MMIO_DEVICE_FEATURES) &
	             VIRTIO_BALLOON_F_PAGE_REPORTING) != 0);
	// Nothing to inflate.
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_CONFIG), 0);
	// Linux reports 32 ranges at once, and refuses a shorter queue.
	test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_SEL, REPORTING);
	assert_true(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_NUM_MAX) >= 32);
	// Meanwhile the guest has no use of what it reports.
	assert_int_equal(dev->mmio.prompt_queues, 1u << REPORTING);
}

static void test_whole_blocks_are_given_back(void **state)
{
	(void)state;
	test_set_desc(guest, REPORTING, 0, TEST_GPA + 4 * BLOCK_SIZE, 2 * BLOCK_SIZE, WRITE_NEXT,
	              1);
	// Begins and ends inside a block.
	test_set_desc(guest, REPORTING, 1, TEST_GPA + 8 * BLOCK_SIZE - PAGE_SIZE, 3 * BLOCK_SIZE,
	              WRITE_NEXT, 2);
	// Less than a block.
	test_set_desc(guest, REPORTING, 2, TEST_GPA + 20 * BLOCK_SIZE, BLOCK_SIZE - 1, WRITE_NEXT,
	              3);
	// The last block.
	test_set_desc(guest, REPORTING, 3, TEST_GPA + MEMORY - BLOCK_SIZE, BLOCK_SIZE,
	              VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, REPORTING, 0);
	virtio_mmio_notified(&dev->mmio, REPORTING);
	assert_int_equal(num_discards, 3);
	assert_int_equal(discards[0].offset, 4 * BLOCK_SIZE);
	assert_int_equal(discards[0].length, 2 * BLOCK_SIZE);
	assert_int_equal(discards[1].offset, 8 * BLOCK_SIZE);
	assert_int_equal(discards[1].length, 2 * BLOCK_SIZE);
	assert_int_equal(discards[2].offset, MEMORY - BLOCK_SIZE);
	assert_int_equal(discards[2].length, BLOCK_SIZE);
	assert_int_equal(test_used(guest, REPORTING)->idx, 1);
	assert_true(guest->irq);
}

static void test_bad_reports(void **state)
{
	(void)state;
	// What the device only may read is not a report.
	test_set_desc(guest, REPORTING, 0, TEST_GPA, BLOCK_SIZE, 0, 0);
	test_offer(guest, REPORTING, 0);
	virtio_mmio_notified(&dev->mmio, REPORTING);
	assert_int_equal(num_discards, 0);
	assert_int_equal(test_used(guest, REPORTING)->idx, 1);
	// Beyond the end: none of the chain counts.
	test_set_desc(guest, REPORTING, 1, TEST_GPA, BLOCK_SIZE, WRITE_NEXT, 2);
	test_set_desc(guest, REPORTING, 2, TEST_GPA + MEMORY - BLOCK_SIZE, 2 * BLOCK_SIZE,
	              VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, REPORTING, 1);
	virtio_mmio_notified(&dev->mmio, REPORTING);
	assert_int_equal(num_discards, 0);
	assert_true((test_read_reg(&dev->mmio, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) !=
	            0);
}

static void test_work_is_bounded(void **state)
{
	size_t blocks = 0;

	(void)state;
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++)
		test_set_desc(guest, REPORTING, i, TEST_GPA, MEMORY, VIRTQ_DESC_F_WRITE, 0);
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++)
		test_offer(guest, REPORTING, i);
	virtio_mmio_notified(&dev->mmio, REPORTING);
	for (uint32_t i = 0; i < num_discards; i++)
		blocks += discards[i].length / BLOCK_SIZE;
	assert_int_equal(blocks, 64);
	// The rest is answered, and kept; nothing of it is left to the loop.
	assert_int_equal(test_used(guest, REPORTING)->idx, 8);
	assert_int_equal(guest->laters, 0);
	// The next report has a turn of its own.
	num_discards = 0;
	test_offer(guest, REPORTING, 0);
	virtio_mmio_notified(&dev->mmio, REPORTING);
	assert_int_equal(discards[0].length / BLOCK_SIZE, 64);
}

static void test_balloon_pages_are_ignored(void **state)
{
	(void)state;
	for (uint32_t queue = 0; queue < REPORTING; queue++) {
		test_set_desc(guest, queue, 0, TEST_GPA + TEST_BUFFERS, 4 * 256, 0, 0);
		test_offer(guest, queue, 0);
		virtio_mmio_notified(&dev->mmio, queue);
		assert_int_equal(test_used(guest, queue)->idx, 1);
	}
	assert_int_equal(num_discards, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole_blocks_are_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_work_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_balloon_pages_are_ignored, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
