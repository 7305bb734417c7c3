// SPDX-License-Identifier: MIT
//
// The driver's side of a virtqueue against a device that keeps the rules, and one that does not.
#include "libs/virtio/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/host_kernel.h"

#define SIZE 8

// The fake device: what it would do with the ring, by the addresses that the driver gives the
// transport.
struct fake_device {
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	uint16_t avail_idx;
};

static struct virtqueue vq;
static struct fake_device device;
static char token_a, token_b, token_c;

static void start(bool event_idx)
{
	assert_int_equal(virtqueue_init(&vq, SIZE, event_idx), 0);
	device = (struct fake_device){
		.desc = (void *)(uintptr_t)virtqueue_desc_paddr(&vq),
		.avail = (void *)(uintptr_t)virtqueue_avail_paddr(&vq),
		.used = (void *)(uintptr_t)virtqueue_used_paddr(&vq),
	};
}

static int setup(void **state)
{
	(void)state;
	start(true);
	return 0;
}

static int setup_plain(void **state)
{
	(void)state;
	start(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	virtqueue_deinit(&vq);
	// The heap keeps one small arena.
	return host_kernel.num_folios <= 1 ? 0 : -1;
}

static uint16_t device_take(void)
{
	assert_int_not_equal(device.avail->idx, device.avail_idx);
	return device.avail->ring[device.avail_idx++ % SIZE];
}

static void device_use(uint32_t id, uint32_t len)
{
	device.used->ring[device.used->idx % SIZE] =
		(struct virtq_used_elem){ .id = id, .len = len };
	device.used->idx++;
}

static void push(char *token, size_t readable, size_t writable)
{
	struct virtqueue_buffer chain[SIZE];

	for (size_t i = 0; i < readable + writable; i++)
		chain[i] = (struct virtqueue_buffer){ .paddr = 0x1000 * (i + 1),
			                              .len = 100,
			                              .device_writes = i >= readable };
	assert_int_equal(virtqueue_push(&vq, chain, readable + writable, token), 0);
}

static void expect_used(char *expected, uint32_t expected_len)
{
	void *token;
	uint32_t len;

	assert_int_equal(virtqueue_pop(&vq, &token, &len), 0);
	assert_ptr_equal(token, expected);
	assert_int_equal(len, expected_len);
}

static void expect_pop_error(error_t expected)
{
	void *token;
	uint32_t len;

	assert_int_equal(virtqueue_pop(&vq, &token, &len), expected);
}

static void test_parts_are_aligned(void **state)
{
	(void)state;
	assert_int_equal(virtqueue_desc_paddr(&vq) % VIRTQ_DESC_ALIGN, 0);
	assert_int_equal(virtqueue_avail_paddr(&vq) % VIRTQ_AVAIL_ALIGN, 0);
	assert_int_equal(virtqueue_used_paddr(&vq) % VIRTQ_USED_ALIGN, 0);
	assert_true(virtqueue_avail_paddr(&vq) >=
	            virtqueue_desc_paddr(&vq) + VIRTQ_DESC_BYTES(SIZE));
	assert_true(virtqueue_used_paddr(&vq) >=
	            virtqueue_avail_paddr(&vq) + VIRTQ_AVAIL_BYTES(SIZE));
}

static void test_chain_as_the_device_sees_it(void **state)
{
	uint16_t head;

	(void)state;
	push(&token_a, 1, 2);
	assert_int_equal(device.avail->idx, 0);  // not before it is published
	virtqueue_publish(&vq);
	head = device_take();
	assert_int_equal(device.desc[head].addr, 0x1000);
	assert_int_equal(device.desc[head].flags, VIRTQ_DESC_F_NEXT);
	head = device.desc[head].next;
	assert_int_equal(device.desc[head].addr, 0x2000);
	assert_int_equal(device.desc[head].flags, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE);
	head = device.desc[head].next;
	assert_int_equal(device.desc[head].len, 100);
	assert_int_equal(device.desc[head].flags, VIRTQ_DESC_F_WRITE);
}

static void test_full_and_free_again(void **state)
{
	struct virtqueue_buffer one = { .paddr = 1, .len = 1 };

	(void)state;
	push(&token_a, 3, 0);
	push(&token_b, 2, 3);
	assert_int_equal(virtqueue_num_free(&vq), 0);
	assert_int_equal(virtqueue_push(&vq, &one, 1, &token_c), ERR_FULL);
	virtqueue_publish(&vq);
	(void)device_take();
	// The second is done first.
	device_use(device_take(), 300);
	expect_used(&token_b, 300);
	expect_pop_error(ERR_EMPTY);
	assert_int_equal(virtqueue_num_free(&vq), 5);
	push(&token_c, 5, 0);
	assert_int_equal(virtqueue_push(&vq, &one, 1, &token_b), ERR_FULL);
}

// Long enough for all indices to wrap; lengths and orders vary.
static void test_wraps(void **state)
{
	char tokens[SIZE];

	(void)state;
	for (uint32_t round = 0; round < 70000; round++) {
		uint16_t first, second;

		push(&tokens[round % SIZE], round % 3, 1 + round % 2);
		push(&tokens[(round + 1) % SIZE], 1, 1);
		virtqueue_publish(&vq);
		first = device_take();
		second = device_take();
		device_use(second, 1);
		device_use(first, 2);
		expect_used(&tokens[(round + 1) % SIZE], 1);
		expect_used(&tokens[round % SIZE], 2);
		expect_pop_error(ERR_EMPTY);
		assert_int_equal(virtqueue_num_free(&vq), SIZE);
	}
}

static void test_refuses_bad_chains(void **state)
{
	const struct virtqueue_buffer unordered[] = {
		{ .paddr = 1, .len = 1, .device_writes = true },
		{ .paddr = 2, .len = 1 },
	};
	const struct virtqueue_buffer too_long[] = {
		{ .paddr = 1, .len = UINT32_MAX, .device_writes = true },
		{ .paddr = 2, .len = 1, .device_writes = true },
	};

	(void)state;
	assert_int_equal(virtqueue_push(&vq, unordered, 2, &token_a), ERR_INVALID);
	assert_int_equal(virtqueue_push(&vq, too_long, 2, &token_a), ERR_INVALID);
	assert_int_equal(virtqueue_push(&vq, unordered, 0, &token_a), ERR_INVALID);
	assert_int_equal(virtqueue_push(&vq, unordered, 1, NULL), ERR_INVALID);
	assert_int_equal(virtqueue_num_free(&vq), SIZE);
}

static uint16_t *avail_event(void)
{
	return (uint16_t *)(void *)&device.used->ring[SIZE];
}

static void test_notifies_past_the_event(void **state)
{
	(void)state;
	*avail_event() = 0;
	push(&token_a, 1, 0);
	assert_true(virtqueue_publish(&vq));
	assert_false(virtqueue_publish(&vq));  // nothing new
	push(&token_b, 1, 0);
	assert_false(virtqueue_publish(&vq));  // the device is at work already
	*avail_event() = 3;
	push(&token_a, 1, 0);
	assert_false(virtqueue_publish(&vq));
	push(&token_b, 1, 0);
	push(&token_b, 1, 0);
	assert_true(virtqueue_publish(&vq));
}

static void test_asks_for_interrupts(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		push(&token_a, 1, 0);
	virtqueue_publish(&vq);
	assert_true(virtqueue_enable_interrupts(&vq, 1));
	assert_int_equal(device.avail->ring[SIZE], 0);
	assert_true(virtqueue_enable_interrupts(&vq, 3));
	assert_int_equal(device.avail->ring[SIZE], 2);
	device_use(device_take(), 0);
	assert_false(virtqueue_enable_interrupts(&vq, 1));  // came just before
	assert_true(virtqueue_enable_interrupts(&vq, 2));
	expect_used(&token_a, 0);
	assert_true(virtqueue_enable_interrupts(&vq, 1));
	assert_int_equal(device.avail->ring[SIZE], 1);
}

static void test_without_event_index(void **state)
{
	(void)state;
	push(&token_a, 1, 0);
	assert_true(virtqueue_publish(&vq));
	device.used->flags = VIRTQ_USED_F_NO_NOTIFY;
	push(&token_b, 1, 0);
	assert_false(virtqueue_publish(&vq));
	virtqueue_disable_interrupts(&vq);
	assert_int_equal(device.avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
	device_use(device_take(), 0);
	// It cannot say after how many: any is enough.
	assert_false(virtqueue_enable_interrupts(&vq, 2));
	assert_int_equal(device.avail->flags, 0);
}

// --- A device that breaks the rules: nothing is taken from it any more ---

static void expect_broken(void)
{
	expect_pop_error(ERR_PROTOCOL);
	expect_pop_error(ERR_PROTOCOL);
	assert_true(vq.broken);
}

static void test_id_out_of_range(void **state)
{
	(void)state;
	push(&token_a, 1, 0);
	virtqueue_publish(&vq);
	device_use(SIZE, 0);
	expect_broken();
}

static void test_huge_id(void **state)
{
	(void)state;
	push(&token_a, 1, 0);
	virtqueue_publish(&vq);
	device_use(0x10000, 0);  // 0 if it were cut to 16 bits
	expect_broken();
}

static void test_id_not_in_flight(void **state)
{
	(void)state;
	push(&token_a, 1, 0);
	virtqueue_publish(&vq);
	device_use((uint32_t)device_take() + 1, 0);
	expect_broken();
}

static void test_id_inside_a_chain(void **state)
{
	(void)state;
	push(&token_a, 3, 0);
	virtqueue_publish(&vq);
	device_use(device.desc[device_take()].next, 0);
	expect_broken();
}

static void test_used_twice(void **state)
{
	uint16_t head;

	(void)state;
	push(&token_a, 1, 0);
	virtqueue_publish(&vq);
	head = device_take();
	device_use(head, 0);
	device_use(head, 0);
	expect_used(&token_a, 0);
	expect_broken();
}

static void test_wrote_more_than_there_is(void **state)
{
	(void)state;
	push(&token_a, 2, 1);
	virtqueue_publish(&vq);
	device_use(device_take(), 101);
	expect_broken();
}

static void test_index_runs_ahead(void **state)
{
	(void)state;
	push(&token_a, 1, 0);
	virtqueue_publish(&vq);
	device.used->idx = SIZE + 1;
	expect_broken();
}

static void test_descriptors_are_not_read_back(void **state)
{
	struct virtqueue_buffer one = { .paddr = 1, .len = 1 };

	(void)state;
	push(&token_a, 2, 0);
	virtqueue_publish(&vq);
	// The device scribbles over the table, which is the driver's to write.
	memset(device.desc, 0xff, SIZE * sizeof(device.desc[0]));
	device_use(device_take(), 0);
	expect_used(&token_a, 0);
	for (int i = 0; i < SIZE; i++)
		assert_int_equal(virtqueue_push(&vq, &one, 1, &token_b), 0);
	assert_int_equal(virtqueue_push(&vq, &one, 1, &token_b), ERR_FULL);
}

static void test_sizes(void **state)
{
	struct virtqueue other;

	(void)state;
	assert_int_equal(virtqueue_init(&other, 0, true), ERR_INVALID);
	assert_int_equal(virtqueue_init(&other, 6, true), ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parts_are_aligned),
		TEST(test_chain_as_the_device_sees_it),
		TEST(test_full_and_free_again),
		TEST(test_wraps),
		TEST(test_refuses_bad_chains),
		TEST(test_notifies_past_the_event),
		TEST(test_asks_for_interrupts),
		cmocka_unit_test_setup_teardown(test_without_event_index, setup_plain, teardown),
		TEST(test_id_out_of_range),
		TEST(test_huge_id),
		TEST(test_id_not_in_flight),
		TEST(test_id_inside_a_chain),
		TEST(test_used_twice),
		TEST(test_wrote_more_than_there_is),
		TEST(test_index_runs_ahead),
		TEST(test_descriptors_are_not_read_back),
		TEST(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
