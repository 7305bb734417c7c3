// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_console.h"
#include "libs/virtio/device_test.h"

#define PORTS 4u

static struct test_guest *guest;
static struct console_device *dev;
static char output[256];
static size_t output_len, output_room;
static uint32_t opened_port, input_ready_port;
static uint32_t refill_queue;  // made available again by each output; 0: none
static uint32_t num_outputs;

static size_t take_output(void *context, uint32_t port, struct span bytes)
{
	size_t n = bytes.len < output_room ? bytes.len : output_room;

	(void)context;
	(void)port;
	num_outputs++;
	if (refill_queue != 0) {
		test_offer(guest, refill_queue, 0);
		return bytes.len;
	}
	memcpy(output + output_len, bytes.data, n);
	output_len += n;
	output_room -= n;
	return n;
}

static void take_open(void *context, uint32_t port, bool open)
{
	(void)context;
	opened_port = open ? port : UINT32_MAX;
}

static void take_input_ready(void *context, uint32_t port)
{
	(void)context;
	input_ready_port = port;
}

static const struct console_device_ops ops = { .output = take_output,
	                                       .guest_open = take_open,
	                                       .input_ready = take_input_ready };

static int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	dev = calloc(1, sizeof(*dev));
	test_guest_init(guest, &dev->mmio);
	console_device_init(dev, PORTS, &ops, NULL);
	for (uint32_t i = 0; i < PORTS; i++)
		console_device_set_open(dev, i, true);
	output_len = 0;
	output_room = sizeof(output);
	opened_port = input_ready_port = UINT32_MAX;
	refill_queue = num_outputs = 0;
	test_start_device(&dev->mmio, VIRTIO_CONSOLE_F_MULTIPORT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

static void offer_buffers(uint32_t queue, uint32_t count, uint32_t len)
{
	for (uint16_t i = 0; i < count; i++) {
		test_set_desc(guest, queue, i, TEST_GPA + TEST_BUFFERS + queue * 4096 + i * 256u,
		              len, VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, queue, i);
	}
	virtio_mmio_notified(&dev->mmio, queue);
}

static void send_bytes(uint32_t queue, const void *bytes, uint32_t len)
{
	uint16_t slot = test_avail(guest, queue)->idx % TEST_QUEUE_SIZE;
	uint32_t at = TEST_BUFFERS + queue * 4096 + slot * 256u;

	memcpy(guest->memory + at, bytes, len);
	test_set_desc(guest, queue, slot, TEST_GPA + at, len, 0, 0);
	test_offer(guest, queue, slot);
	virtio_mmio_notified(&dev->mmio, queue);
}

static void send_control(uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control message = { .id = id, .event = event, .value = value };

	send_bytes(VIRTIO_CONSOLE_QUEUE_CONTROL_TX, &message, sizeof(message));
}

static struct virtio_console_control received(uint32_t index)
{
	struct virtio_console_control message;

	memcpy(&message,
	       guest->memory + TEST_BUFFERS + VIRTIO_CONSOLE_QUEUE_CONTROL_RX * 4096 + index * 256,
	       sizeof(message));
	return message;
}

static void test_handshake(void **state)
{
	struct virtio_console_control m;

	(void)state;
	send_control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	// No buffers yet: nothing is lost.
	assert_int_equal(test_used(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_RX)->idx, 0);
	offer_buffers(VIRTIO_CONSOLE_QUEUE_CONTROL_RX, 8, 64);
	assert_int_equal(test_used(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_RX)->idx, PORTS);
	for (uint32_t i = 0; i < PORTS; i++) {
		m = received(i);
		assert_int_equal(m.id, i);
		assert_int_equal(m.event, VIRTIO_CONSOLE_DEVICE_ADD);
	}
	send_control(2, VIRTIO_CONSOLE_PORT_READY, 1);
	m = received(PORTS);
	assert_int_equal(m.id, 2);
	assert_int_equal(m.event, VIRTIO_CONSOLE_PORT_OPEN);
	assert_int_equal(m.value, 1);
	send_control(2, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(opened_port, 2);
	assert_true(guest->irq);
}

static void test_hostile_control(void **state)
{
	(void)state;
	send_control(UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	send_control(PORTS, VIRTIO_CONSOLE_PORT_READY, 1);
	send_control(0, 0xffff, 0xffff);
	send_bytes(VIRTIO_CONSOLE_QUEUE_CONTROL_TX, "x", 1);
	assert_int_equal(opened_port, UINT32_MAX);
	assert_int_equal(test_used(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_TX)->idx, 4);
}

static void test_output_backpressure(void **state)
{
	uint32_t tx = VIRTIO_CONSOLE_QUEUE_TX(1);

	(void)state;
	output_room = 3;
	send_bytes(tx, "hello", 5);
	assert_int_equal(output_len, 3);
	assert_int_equal(test_used(guest, tx)->idx, 0);
	send_bytes(tx, "world", 5);
	assert_int_equal(output_len, 3);
	assert_false(console_device_drain(dev, 1));
	output_room = 100;
	console_device_resume(dev, 1);
	assert_int_equal(output_len, 10);
	assert_memory_equal(output, "helloworld", 10);
	assert_int_equal(test_used(guest, tx)->idx, 2);
	assert_true(console_device_drain(dev, 1));
}

// The guest shortens a buffer while part of it is taken: no byte outside is read, and the chain is
// given back.
static void test_output_shrinks(void **state)
{
	uint32_t tx = VIRTIO_CONSOLE_QUEUE_TX(1);

	(void)state;
	output_room = 4;
	send_bytes(tx, "hello", 5);
	test_desc(guest, tx, 0)->len = 2;
	output_room = 100;
	console_device_resume(dev, 1);
	assert_int_equal(output_len, 4);
	assert_int_equal(test_used(guest, tx)->idx, 1);
}

// The guest takes its queue back while part of a buffer is taken: the next buffer is another one.
static void test_queue_reset_forgets(void **state)
{
	uint32_t tx = VIRTIO_CONSOLE_QUEUE_TX(1);

	(void)state;
	output_room = 4;
	send_bytes(tx, "hello", 5);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_SEL, tx);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY, 0);
	memset(guest->memory + tx * 4096, 0, 4096);
	test_start_queue(&dev->mmio, tx);
	send_bytes(tx, "world", 5);
	output_room = 100;
	console_device_resume(dev, 1);
	assert_int_equal(output_len, 9);
	assert_memory_equal(output, "hellworld", 9);
}

// What the device writes into one queue's ring would be what it reads from another's.
static void test_queues_over_each_other(void **state)
{
	static const uint32_t registers[] = { VIRTIO_MMIO_QUEUE_DESC_LOW,
		                              VIRTIO_MMIO_QUEUE_DRIVER_LOW,
		                              VIRTIO_MMIO_QUEUE_DEVICE_LOW };
	uint32_t tx = VIRTIO_CONSOLE_QUEUE_TX(1), other = VIRTIO_CONSOLE_QUEUE_TX(2);

	(void)state;
	for (uint32_t i = 0; i < 9; i++) {
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_SEL, tx);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY, 0);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_NUM, TEST_QUEUE_SIZE);
		for (uint32_t j = 0; j < 3; j++)
			test_write_reg(&dev->mmio, registers[j],
			               (uint32_t)TEST_GPA + tx * 4096 + j * 1024);
		test_write_reg(&dev->mmio, registers[i / 3],
		               (uint32_t)TEST_GPA + other * 4096 + i % 3 * 1024);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY), 0);
	}
	test_start_queue(&dev->mmio, tx);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY), 1);
}

static void test_input_backpressure(void **state)
{
	const struct span text = { .data = (const uint8_t *)"0123456789", .len = 10 };
	uint32_t rx = VIRTIO_CONSOLE_QUEUE_RX(0);

	(void)state;
	// Nobody listens yet.
	assert_int_equal(console_device_input(dev, 0, text), 0);
	offer_buffers(rx, 2, 4);
	assert_int_equal(input_ready_port, UINT32_MAX);
	send_control(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(input_ready_port, 0);
	assert_int_equal(console_device_input(dev, 0, text), 8);
	assert_int_equal(test_used(guest, rx)->idx, 2);
	assert_memory_equal(guest->memory + TEST_BUFFERS + rx * 4096, "0123", 4);
	assert_memory_equal(guest->memory + TEST_BUFFERS + rx * 4096 + 256, "4567", 4);
	input_ready_port = UINT32_MAX;
	offer_buffers(rx, 1, 4);
	assert_int_equal(input_ready_port, 0);
	assert_int_equal(
		console_device_input(dev, 0, (struct span){ .data = text.data + 8, .len = 2 }), 2);
}

static void test_broken_queue(void **state)
{
	uint32_t tx = VIRTIO_CONSOLE_QUEUE_TX(2);

	(void)state;
	test_set_desc(guest, tx, 0, 1, 1, 0, 0);
	test_offer(guest, tx, 0);
	virtio_mmio_notified(&dev->mmio, tx);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET,
	                 VIRTIO_STATUS_NEEDS_RESET);
	assert_false(virtio_mmio_is_running(&dev->mmio));
	// A dead device still counts as drained, else its VM could never end.
	assert_true(console_device_drain(dev, 2));
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	assert_false(guest->irq);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_STATUS), 0);
}

// What waits in a queue of a device that is not started, or has to be reset, nobody will take: its
// VM must end all the same.
static void test_no_output_of_a_stopped_device(void **state)
{
	uint32_t tx = VIRTIO_CONSOLE_QUEUE_TX(1), broken = VIRTIO_CONSOLE_QUEUE_TX(2);

	(void)state;
	test_set_desc(guest, tx, 0, TEST_GPA, 5, 0, 0);
	test_offer(guest, tx, 0);
	test_set_desc(guest, broken, 0, 1, 1, 0, 0);
	test_offer(guest, broken, 0);
	virtio_mmio_notified(&dev->mmio, broken);
	assert_false(virtio_mmio_is_running(&dev->mmio));
	assert_true(console_device_drain(dev, 1));

	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS,
	               VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	test_start_queue(&dev->mmio, tx);
	assert_true(console_device_drain(dev, 1));
	assert_int_equal(output_len, 0);
}

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_CONSOLE);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_SEL, 9);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_NUM_MAX),
	                 DEVICE_QUEUE_MAX_SIZE);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY), 1);
	test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_SEL, 10);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY), 0);
	// Odd accesses do nothing and read within the page.
	virtio_mmio_write(&dev->mmio, VIRTIO_MMIO_STATUS, 1, 0);
	virtio_mmio_write(&dev->mmio, VIRTIO_MMIO_STATUS + 2, 4, 0);
	virtio_mmio_write(&dev->mmio, PAGE_SIZE - 4, 4, 0);
	assert_true(virtio_mmio_is_running(&dev->mmio));
	assert_int_equal(virtio_mmio_read(&dev->mmio, PAGE_SIZE - 4, 8), 0);
	// Features that were not offered are not accepted.
	test_start_device(&dev->mmio, VIRTIO_F_RING_PACKED);
	assert_false(virtio_mmio_is_running(&dev->mmio));
}

static void test_small_queues(void **state)
{
	(void)state;
	test_write_reg(&dev->mmio, VIRTIO_MMIO_STATUS, 0);
	for (uint32_t i = 0; i < 2 * (PORTS + 1); i++) {
		bool input = i % 2 == 0;  // a port's, or that of the control messages

		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_SEL, i);
		assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_NUM_MAX),
		                 input ? DEVICE_QUEUE_SMALL_SIZE : DEVICE_QUEUE_MAX_SIZE);
		// A driver that takes more than it is offered gets no queue.
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_NUM, DEVICE_QUEUE_MAX_SIZE);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)TEST_GPA);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)TEST_GPA + 2048);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)TEST_GPA + 4096);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(test_read_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY), input ? 0 : 1);
		test_write_reg(&dev->mmio, VIRTIO_MMIO_QUEUE_READY, 0);
	}
}

// A guest that fills its queue again and again gets its turns, but never the device for itself.
static void test_endless_output(void **state)
{
	uint32_t queue = VIRTIO_CONSOLE_QUEUE_TX(1);

	(void)state;
	refill_queue = queue;
	send_bytes(queue, "x", 1);
	assert_int_equal(num_outputs, DEVICE_QUEUE_BUDGET);
	assert_int_equal(guest->laters, 1);
	virtio_mmio_notified(&dev->mmio, queue);
	assert_int_equal(num_outputs, 2 * DEVICE_QUEUE_BUDGET);
	assert_int_equal(guest->laters, 2);
	// The last one: what is left is taken, and a notification asked for.
	refill_queue = 0;
	virtio_mmio_notified(&dev->mmio, queue);
	assert_int_equal(guest->laters, 2);
	send_bytes(queue, "y", 1);
	assert_int_equal(output[output_len - 1], 'y');
}

static size_t sum_of_output;

static size_t count_output(void *context, uint32_t port, struct span bytes)
{
	(void)context;
	(void)port;
	sum_of_output += bytes.len;
	return bytes.len;
}

// A large buffer goes in several turns; one larger than any driver's breaks the device.
static void test_large_buffers(void **state)
{
	static const struct console_device_ops counting = { .output = count_output };
	uint32_t queue = VIRTIO_CONSOLE_QUEUE_TX(1);
	const uint32_t piece = 140 * 1024;

	(void)state;
	dev->ops = &counting;
	sum_of_output = 0;
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++)
		test_set_desc(guest, queue, i, TEST_GPA, piece, i < 3 ? VIRTQ_DESC_F_NEXT : 0,
		              (uint16_t)(i + 1));
	test_offer(guest, queue, 0);
	virtio_mmio_notified(&dev->mmio, queue);
	assert_int_equal(sum_of_output, CONSOLE_DEVICE_TURN_BYTES);
	assert_int_equal(guest->laters, 1);
	assert_int_equal(test_used(guest, queue)->idx, 0);
	for (uint32_t i = 0; i < 2; i++)
		virtio_mmio_notified(&dev->mmio, queue);
	assert_int_equal(sum_of_output, 4 * piece);
	assert_int_equal(test_used(guest, queue)->idx, 1);

	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++)
		test_set_desc(guest, queue, i, TEST_GPA, piece, i < 7 ? VIRTQ_DESC_F_NEXT : 0,
		              (uint16_t)(i + 1));
	test_offer(guest, queue, 0);
	virtio_mmio_notified(&dev->mmio, queue);
	assert_int_equal(sum_of_output, 4 * piece);
	assert_true(test_read_reg(&dev->mmio, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_true(console_device_drain(dev, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handshake, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_control, setup, teardown),
		cmocka_unit_test_setup_teardown(test_output_backpressure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_output_shrinks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_reset_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queues_over_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_input_backpressure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_output_of_a_stopped_device, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_queues, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_buffers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
