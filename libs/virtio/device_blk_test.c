// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_blk.h"
#include "libs/virtio/device_test.h"

#define SECTORS 100u
#define DATA (TEST_BUFFERS + 4096u)
#define STATUS (TEST_BUFFERS + 2048u)

static struct test_guest *guest;
static struct blk_device *dev;
static struct blk_device_request *held[BLK_DEVICE_MAX_REQUESTS];
static uint32_t num_held;

static void hold(void *context, struct blk_device_request *request)
{
	(void)context;
	held[num_held++] = request;
}

static void hold_flush(void *context, struct blk_device_request *request)
{
	assert_int_equal(request->length, 0);
	hold(context, request);
}

static void make_device(bool writable)
{
	guest = aligned_alloc(4096, sizeof(*guest));
	dev = calloc(1, sizeof(*dev));
	test_guest_init(guest, &dev->mmio);
	dev->read = hold;
	dev->write = writable ? hold : NULL;
	dev->flush = writable ? hold_flush : NULL;
	dev->discard = writable ? hold : NULL;
	dev->num_sectors = SECTORS;
	strcpy(dev->serial, "root");
	blk_device_init(dev);
	num_held = 0;
	test_start_device(&dev->mmio, 0);
}

static int setup(void **state)
{
	(void)state;
	make_device(false);
	return 0;
}

static int setup_writable(void **state)
{
	(void)state;
	make_device(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

static void request(uint32_t type, uint64_t sector, uint32_t len)
{
	struct virtio_blk_req header = { .type = type, .sector = sector };

	memcpy(guest->memory + TEST_BUFFERS, &header, sizeof(header));
	guest->memory[STATUS] = 0xff;
	test_set_desc(guest, 0, 0, TEST_GPA + TEST_BUFFERS, sizeof(header), VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, 0, 1, TEST_GPA + DATA, len, VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT, 2);
	test_set_desc(guest, 0, 2, TEST_GPA + STATUS, 1, VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, 0, 0);
	virtio_mmio_notified(&dev->mmio, 0);
}

static void test_read(void **state)
{
	uint8_t sector[512];

	(void)state;
	memset(sector, 'a', sizeof(sector));
	request(VIRTIO_BLK_T_IN, 5, 1024);
	assert_int_equal(num_held, 1);
	assert_int_equal(held[0]->offset, 5 * 512);
	assert_int_equal(held[0]->length, 1024);
	blk_device_put(held[0], 512, (struct span){ .data = sector, .len = sizeof(sector) });
	// Outside of the request: dropped, the status byte stays.
	blk_device_put(held[0], 1000, (struct span){ .data = sector, .len = sizeof(sector) });
	assert_int_equal(guest->memory[STATUS], 0xff);
	blk_device_finish(held[0], 0);
	assert_int_equal(guest->memory[STATUS], VIRTIO_BLK_S_OK);
	assert_int_equal(guest->memory[DATA + 511], 0);
	assert_int_equal(guest->memory[DATA + 512], 'a');
	assert_int_equal(test_used(guest, 0)->ring[0].len, 1025);
	assert_true(guest->irq);
}

static void expect_status(uint8_t status)
{
	assert_int_equal(num_held, 0);
	assert_int_equal(guest->memory[STATUS], status);
}

static void test_refused(void **state)
{
	(void)state;
	request(VIRTIO_BLK_T_IN, SECTORS, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
	request(VIRTIO_BLK_T_IN, SECTORS - 1, 1024);
	expect_status(VIRTIO_BLK_S_IOERR);
	request(VIRTIO_BLK_T_IN, UINT64_MAX, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
	request(VIRTIO_BLK_T_IN, 0, 100);
	expect_status(VIRTIO_BLK_S_IOERR);
	request(VIRTIO_BLK_T_OUT, 0, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
	request(VIRTIO_BLK_T_GET_ID, 0, 10);
	expect_status(VIRTIO_BLK_S_IOERR);
	request(77, 0, 512);
	expect_status(VIRTIO_BLK_S_UNSUPP);
	request(VIRTIO_BLK_T_FLUSH, 0, 512);
	expect_status(VIRTIO_BLK_S_OK);
	request(VIRTIO_BLK_T_GET_ID, 0, 20);
	expect_status(VIRTIO_BLK_S_OK);
	assert_string_equal((char *)guest->memory + DATA, "root");
}

static void test_no_status_byte(void **state)
{
	(void)state;
	test_set_desc(guest, 0, 0, TEST_GPA + TEST_BUFFERS, 16, 0, 0);
	test_offer(guest, 0, 0);
	virtio_mmio_notified(&dev->mmio, 0);
	assert_int_equal(num_held, 0);
	assert_int_equal(test_used(guest, 0)->idx, 1);
}

static void send_request(uint32_t type, uint64_t sector, uint32_t len)
{
	struct virtio_blk_req header = { .type = type, .sector = sector };

	memcpy(guest->memory + TEST_BUFFERS, &header, sizeof(header));
	guest->memory[STATUS] = 0xff;
	test_set_desc(guest, 0, 0, TEST_GPA + TEST_BUFFERS, sizeof(header), VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(guest, 0, 1, TEST_GPA + DATA, len, VIRTQ_DESC_F_NEXT, 2);
	test_set_desc(guest, 0, 2, TEST_GPA + STATUS, 1, VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, 0, 0);
	virtio_mmio_notified(&dev->mmio, 0);
}

static void write_request(uint64_t sector, uint32_t len)
{
	send_request(VIRTIO_BLK_T_OUT, sector, len);
}

static void discard_request(struct virtio_blk_discard range, uint32_t len)
{
	memcpy(guest->memory + DATA, &range, sizeof(range));
	send_request(VIRTIO_BLK_T_DISCARD, 0, len);
}

static void test_discard(void **state)
{
	static const struct {
		struct virtio_blk_discard range;
		uint32_t len;
		uint8_t status;
	} bad[] = {
		{ { SECTORS - 7, 8, 0 }, 16, VIRTIO_BLK_S_IOERR },
		{ { UINT64_MAX, 8, 0 }, 16, VIRTIO_BLK_S_IOERR },
		{ { 0, 0, 0 }, 16, VIRTIO_BLK_S_IOERR },
		{ { 0, BLK_DEVICE_MAX_DISCARD + 1, 0 }, 16, VIRTIO_BLK_S_IOERR },
		{ { 0, 8, 0 }, 15, VIRTIO_BLK_S_IOERR },
		{ { 0, 8, 0 }, 32, VIRTIO_BLK_S_IOERR },
		{ { 0, 8, 1 }, 16, VIRTIO_BLK_S_UNSUPP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		discard_request(bad[i].range, bad[i].len);
		expect_status(bad[i].status);
	}
	discard_request((struct virtio_blk_discard){ 8, 64, 0 }, 16);
	assert_int_equal(num_held, 1);
	assert_int_equal(held[0]->offset, 8 * 512);
	assert_int_equal(held[0]->length, 64 * 512);
	blk_device_finish(held[0], 0);
	assert_int_equal(guest->memory[STATUS], VIRTIO_BLK_S_OK);
}

static void test_no_discard(void **state)
{
	(void)state;
	discard_request((struct virtio_blk_discard){ 0, 8, 0 }, 16);
	expect_status(VIRTIO_BLK_S_UNSUPP);
}

static void test_write(void **state)
{
	uint8_t sector[512];

	(void)state;
	memset(guest->memory + DATA, 'a', 512);
	memset(guest->memory + DATA + 512, 'b', 512);
	write_request(SECTORS - 2, 1024);
	assert_int_equal(num_held, 1);
	assert_int_equal(held[0]->offset, (SECTORS - 2) * 512);
	assert_int_equal(held[0]->length, 1024);
	assert_true(blk_device_take(held[0], 512,
	                            (struct mut_span){ .data = sector, .len = sizeof(sector) }));
	assert_int_equal(sector[0], 'b');
	assert_int_equal(sector[511], 'b');
	assert_false(blk_device_take(held[0], 513,
	                             (struct mut_span){ .data = sector, .len = sizeof(sector) }));
	assert_false(blk_device_take(held[0], SIZE_MAX,
	                             (struct mut_span){ .data = sector, .len = sizeof(sector) }));
	blk_device_finish(held[0], 0);
	assert_int_equal(guest->memory[STATUS], VIRTIO_BLK_S_OK);
	assert_int_equal(test_used(guest, 0)->ring[0].len, 1);
}

static void test_write_refused(void **state)
{
	(void)state;
	write_request(SECTORS, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
	write_request(SECTORS - 1, 1024);
	expect_status(VIRTIO_BLK_S_IOERR);
	write_request(UINT64_MAX, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
	write_request(0, 511);
	expect_status(VIRTIO_BLK_S_IOERR);
	// No data: what the device may write is not data to be written to the disk.
	request(VIRTIO_BLK_T_OUT, 0, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
}

static void test_write_of_before_a_reset(void **state)
{
	uint8_t sector[512];

	(void)state;
	write_request(0, 512);
	assert_int_equal(num_held, 1);
	test_start_device(&dev->mmio, 0);
	assert_false(blk_device_take(held[0], 0,
	                             (struct mut_span){ .data = sector, .len = sizeof(sector) }));
	blk_device_finish(held[0], 0);
	assert_int_equal(test_used(guest, 0)->idx, 0);
}

static void test_flush(void **state)
{
	(void)state;
	request(VIRTIO_BLK_T_FLUSH, 0, 512);
	assert_int_equal(num_held, 1);
	assert_int_equal(guest->memory[STATUS], 0xff);
	blk_device_finish(held[--num_held], ERR_IO);
	assert_int_equal(guest->memory[STATUS], VIRTIO_BLK_S_IOERR);
	request(VIRTIO_BLK_T_FLUSH, 0, 512);
	blk_device_finish(held[--num_held], 0);
	assert_int_equal(guest->memory[STATUS], VIRTIO_BLK_S_OK);
	assert_int_equal(test_used(guest, 0)->ring[1].len, 1);
}

static uint64_t capacity(void)
{
	return virtio_mmio_read(&dev->mmio, VIRTIO_MMIO_CONFIG, 4);
}

static void test_capacity(void **state)
{
	(void)state;
	assert_int_equal(capacity(), SECTORS);
	assert_false(guest->irq);
	blk_device_set_capacity(dev, 0);
	assert_true(guest->irq);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_INTERRUPT_STATUS),
	                 VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(capacity(), 0);
	request(VIRTIO_BLK_T_IN, 0, 512);
	expect_status(VIRTIO_BLK_S_IOERR);
	blk_device_set_capacity(dev, 7);
	assert_int_equal(capacity(), 7);
	request(VIRTIO_BLK_T_IN, 6, 512);
	assert_int_equal(num_held, 1);
}

// Used buffers are told by an edge alone where the driver takes them; why the configuration's
// interrupt came stays to be read and acknowledged.
static void test_posted_interrupts(void **state)
{
	(void)state;
	guest->takes_posts = true;
	request(VIRTIO_BLK_T_FLUSH, 0, 512);
	blk_device_finish(held[--num_held], 0);
	assert_int_equal(guest->posts, 1);
	assert_false(guest->irq);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	blk_device_set_capacity(dev, 7);
	assert_true(guest->irq);
	request(VIRTIO_BLK_T_FLUSH, 0, 512);
	blk_device_finish(held[--num_held], 0);
	assert_int_equal(guest->posts, 2);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_INTERRUPT_STATUS),
	                 VIRTIO_MMIO_INT_CONFIG);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_false(guest->irq);
}

static void test_reset_forgets(void **state)
{
	uint8_t sector[512] = { 1 };

	(void)state;
	request(VIRTIO_BLK_T_IN, 0, 512);
	assert_int_equal(num_held, 1);
	test_start_device(&dev->mmio, 0);
	memset(guest->memory, 0, TEST_SIZE);
	blk_device_put(held[0], 0, (struct span){ .data = sector, .len = sizeof(sector) });
	blk_device_finish(held[0], 0);
	assert_int_equal(guest->memory[DATA], 0);
	assert_int_equal(test_used(guest, 0)->idx, 0);
	assert_false(dev->requests[0].busy);
}

// QueueReady = 0 with a request in flight: nothing of it comes into the queue's next life.
static void test_queue_reset_forgets(void **state)
{
	uint8_t sector[512] = { 1 };

	(void)state;
	request(VIRTIO_BLK_T_IN, 0, 512);
	request(VIRTIO_BLK_T_IN, 0, 512);
	assert_int_equal(num_held, 2);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY, 0);
	// While it is not there, and once it is there again.
	blk_device_finish(held[1], 0);
	memset(guest->memory, 0, TEST_SIZE);
	test_start_queue(&dev->mmio, 0);
	blk_device_put(held[0], 0, (struct span){ .data = sector, .len = sizeof(sector) });
	blk_device_finish(held[0], 0);
	assert_int_equal(guest->memory[DATA], 0);
	assert_int_equal(guest->memory[STATUS], 0);
	assert_int_equal(test_used(guest, 0)->idx, 0);
	num_held = 0;
	request(VIRTIO_BLK_T_IN, 0, 512);
	blk_device_finish(held[--num_held], 0);
	assert_int_equal(test_used(guest, 0)->idx, 1);
}

static void test_starved(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BLK_DEVICE_MAX_REQUESTS + 3; i++)
		request(VIRTIO_BLK_T_IN, 0, 512);
	assert_int_equal(num_held, BLK_DEVICE_MAX_REQUESTS);
	blk_device_finish(held[--num_held], 0);
	assert_int_equal(num_held, BLK_DEVICE_MAX_REQUESTS);
	blk_device_finish(held[--num_held], ERR_IO);
	assert_int_equal(guest->memory[STATUS], VIRTIO_BLK_S_IOERR);
}

static uint32_t num_reads;

static void read_and_refill(void *context, struct blk_device_request *request)
{
	(void)context;
	num_reads++;
	test_offer(guest, 0, 0);
	blk_device_finish(request, 0);
}

static void test_endless_requests(void **state)
{
	(void)state;
	dev->read = read_and_refill;
	num_reads = 0;
	request(VIRTIO_BLK_T_IN, 0, 512);
	assert_int_equal(num_reads, DEVICE_QUEUE_BUDGET);
	assert_int_equal(guest->laters, 1);
	virtio_mmio_notified(&dev->mmio, 0);
	assert_int_equal(num_reads, 2 * DEVICE_QUEUE_BUDGET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_discard, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_no_discard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_status_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_write_refused, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_write_of_before_a_reset, setup_writable,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_capacity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_posted_interrupts, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_reset_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_reset_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_starved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_requests, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
