// SPDX-License-Identifier: MIT
//
// The pump, over a disk that answers late and may die.
#include <string.h>

#include "libs/linux/disk/disk_fake.h"
#include "libs/linux/disk/disk_pump.h"

#define DISK_BYTES (20u * DISK_PUMP_PIECE)

static struct disk_pump pump;
static uint8_t memory[DISK_BYTES];  // the guest's

struct test_transfer {
	struct disk_transfer transfer;
	uint32_t num_finished;
	error_t status;
	bool takes_nothing;
};

static void put(void *context, size_t position, struct span bytes)
{
	struct test_transfer *t = context;

	assert_int_equal(depth, 1);
	assert_true(range_within(position, bytes.len, t->transfer.length));
	memcpy(memory + t->transfer.offset + position, bytes.data, bytes.len);
}

static bool take(void *context, size_t position, struct mut_span bytes)
{
	struct test_transfer *t = context;

	assert_true(range_within(position, bytes.len, t->transfer.length));
	if (!t->takes_nothing)
		memcpy(bytes.data, memory + t->transfer.offset + position, bytes.len);
	return !t->takes_nothing;
}

static void finished(void *context, error_t status)
{
	struct test_transfer *t = context;

	t->num_finished++;
	t->status = status;
}

static void start(struct test_transfer *t, enum disk_transfer_kind kind, uint64_t offset,
                  size_t length)
{
	bool takes_nothing = t->takes_nothing;

	*t = (struct test_transfer){ .takes_nothing = takes_nothing };
	t->transfer = (struct disk_transfer){ .kind = kind,
		                              .offset = offset,
		                              .length = length,
		                              .put = put,
		                              .take = take,
		                              .finished = finished,
		                              .context = t };
	disk_pump_start(&pump, &t->transfer);
}

static void expect(const struct test_transfer *t, error_t status)
{
	assert_int_equal(t->num_finished, 1);
	assert_int_equal(t->status, status);
}

static int setup(void **state)
{
	(void)state;
	disk_fake_reset(DISK_BYTES);
	for (uint32_t i = 0; i < DISK_BYTES; i++)
		memory[i] = (uint8_t)(i * 13 + i / 241);
	disk_pump_init(&pump, &disk, enter, leave, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disk_pump_deinit(&pump);
	assert_int_equal(depth, 0);
	assert_int_equal(num_open, 0);
	return 0;
}

static void test_read(void **state)
{
	struct test_transfer t = { 0 };

	(void)state;
	start(&t, DISK_TRANSFER_READ, 4096, 3 * DISK_PUMP_PIECE + 512);
	assert_int_equal(num_pending, 4);
	assert_int_equal(t.num_finished, 0);
	answer_all();
	expect(&t, 0);
	assert_memory_equal(memory + 4096, content + 4096, 3 * DISK_PUMP_PIECE + 512);
}

static void test_write(void **state)
{
	struct test_transfer t = { 0 };

	(void)state;
	start(&t, DISK_TRANSFER_WRITE, 512, 2 * DISK_PUMP_PIECE);
	answer_all();
	expect(&t, 0);
	assert_memory_equal(memory + 512, content + 512, 2 * DISK_PUMP_PIECE);
	assert_memory_not_equal(memory, content, 512);
}

static void test_flush(void **state)
{
	struct test_transfer read = { 0 }, flush = { 0 };

	(void)state;
	// In a piece that has a folio of its own already.
	start(&read, DISK_TRANSFER_READ, 0, 512);
	answer_all();
	start(&flush, DISK_TRANSFER_FLUSH, 0, 0);
	assert_int_equal(flush.num_finished, 0);
	answer_all();
	expect(&flush, 0);
	assert_int_equal(num_flushes, 1);
	start(&flush, DISK_TRANSFER_FLUSH, 0, 0);
	answer(0, ERR_IO);
	expect(&flush, ERR_IO);
}

// More than there are pieces: the rest follows as pieces become free, and flushes wait their turn.
static void test_many(void **state)
{
	struct test_transfer t[20] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 19; i++)
		start(&t[i], i % 2 ? DISK_TRANSFER_WRITE : DISK_TRANSFER_READ, i * DISK_PUMP_PIECE,
		      DISK_PUMP_PIECE);
	start(&t[19], DISK_TRANSFER_FLUSH, 0, 0);
	assert_int_equal(num_pending, DISK_PUMP_PIECES);
	answer_all();
	for (uint32_t i = 0; i < 20; i++)
		expect(&t[i], 0);
	assert_memory_equal(memory, content, 19 * DISK_PUMP_PIECE);
	assert_int_equal(num_flushes, 1);
	assert_true(num_open <= DISK_PUMP_PIECES);
}

static void test_errors(void **state)
{
	struct test_transfer t = { 0 }, other = { 0 };

	(void)state;
	start(&t, DISK_TRANSFER_READ, 0, 12 * DISK_PUMP_PIECE);
	start(&other, DISK_TRANSFER_READ, 0, 512);
	answer(2, ERR_IO);
	// What is under way ends, what is not is not started, and who waits behind it goes on.
	assert_int_equal(t.num_finished, 0);
	assert_int_equal(num_pending, DISK_PUMP_PIECES);
	answer_all();
	expect(&t, ERR_IO);
	expect(&other, 0);
	other.takes_nothing = true;
	start(&other, DISK_TRANSFER_WRITE, 0, 512);
	expect(&other, ERR_BAD_STATE);
	assert_int_equal(num_pending, 0);
	max_pending = 0;
	start(&t, DISK_TRANSFER_READ, 0, 512);
	expect(&t, ERR_FULL);
}

static void test_full_disk_queue(void **state)
{
	struct test_transfer t = { 0 };

	(void)state;
	max_pending = 1;
	start(&t, DISK_TRANSFER_READ, 0, 3 * DISK_PUMP_PIECE);
	assert_int_equal(num_pending, 1);
	answer_all();
	expect(&t, 0);
	assert_memory_equal(memory, content, 3 * DISK_PUMP_PIECE);
}

static void test_driver_restarts(void **state)
{
	struct test_transfer write = { 0 }, flush = { 0 }, later = { 0 };

	(void)state;
	start(&write, DISK_TRANSFER_WRITE, 0, 12 * DISK_PUMP_PIECE);
	start(&flush, DISK_TRANSFER_FLUSH, 0, 0);
	answer(0, 0);
	disk_dies();
	start(&later, DISK_TRANSFER_READ, 15 * DISK_PUMP_PIECE, 512);
	assert_int_equal(num_pending, 0);
	assert_int_equal(write.num_finished + flush.num_finished + later.num_finished, 0);
	memset(content, 0, DISK_PUMP_PIECE);
	disk.ready = true;
	disk_pump_resume(&pump, 0);
	answer_all();
	expect(&write, 0);
	expect(&flush, 0);
	expect(&later, 0);
	// From its start, the piece that was done included.
	assert_memory_equal(memory, content, 12 * DISK_PUMP_PIECE);
}

static void test_disk_is_gone(void **state)
{
	struct test_transfer t = { 0 }, later = { 0 };

	(void)state;
	start(&t, DISK_TRANSFER_WRITE, 0, 12 * DISK_PUMP_PIECE);
	disk_dies();
	assert_int_equal(t.num_finished, 0);
	disk_pump_resume(&pump, ERR_IO);
	expect(&t, ERR_IO);
	start(&later, DISK_TRANSFER_FLUSH, 0, 0);
	expect(&later, ERR_IO);
}

// In one piece, without a folio, and again when the disk was away.
static void test_discard(void **state)
{
	struct test_transfer t = { 0 };

	(void)state;
	start(&t, DISK_TRANSFER_DISCARD, 4096, 4 * DISK_PUMP_PIECE);
	assert_int_equal(num_pending, 1);
	disk_dies();
	assert_int_equal(t.num_finished, 0);
	disk.ready = true;
	disk_pump_resume(&pump, 0);
	assert_int_equal(num_pending, 1);
	answer_all();
	expect(&t, 0);
	assert_int_equal(num_discards, 1);
	assert_int_equal(num_open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_discard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_driver_restarts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_is_gone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
