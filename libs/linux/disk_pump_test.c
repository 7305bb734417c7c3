// SPDX-License-Identifier: MIT
// The pump over a disk in memory that answers when the test says so, and that can die and come back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/disk_pump.h"
#include "libs/starina/syscall.h"

#define DISK_BYTES (20u * DISK_PUMP_PIECE)
#define MAX_FOLIOS 64

static struct disk disk;
static struct disk_pump pump;
static uint8_t content[DISK_BYTES];
static uint8_t memory[DISK_BYTES];  // the guest's
static uint8_t *folios[MAX_FOLIOS];  // by handle - 1
static uint32_t num_open, num_flushes, max_pending;
static uint32_t depth;

struct pending {
	enum disk_transfer_kind kind;
	uint64_t sector;
	uint32_t length;
	handle_t folio;
	disk_done_fn done;
	void *context;
};

static struct pending pending[64];
static uint32_t num_pending;

struct test_transfer {
	struct disk_transfer transfer;
	uint32_t num_finished;
	error_t status;
	bool takes_nothing;
};

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	assert_int_equal(flags, FOLIO_CONTIGUOUS);
	for (handle_t i = 0; i < MAX_FOLIOS; i++) {
		if (folios[i] == NULL) {
			folios[i] = malloc(size);
			num_open++;
			*out = i + 1;
			return 0;
		}
	}
	return ERR_LIMIT;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	(void)prot;
	assert_non_null(folios[folio - 1]);
	*out = folios[folio - 1];
	return 0;
}

error_t handle_close(handle_t h)
{
	assert_non_null(folios[h - 1]);
	free(folios[h - 1]);
	folios[h - 1] = NULL;
	num_open--;
	return 0;
}

static error_t accept(struct pending p)
{
	if (!disk.ready)
		return ERR_NOT_READY;
	if (num_pending >= max_pending)
		return ERR_FULL;
	pending[num_pending++] = p;
	return 0;
}

error_t disk_read(struct disk *d, uint64_t sector, uint32_t length, handle_t folio, disk_done_fn done, void *context)
{
	assert_true(range_within(sector * 512, length, d->num_sectors * 512));
	return accept((struct pending){DISK_TRANSFER_READ, sector, length, folio, done, context});
}

error_t disk_write(struct disk *d, uint64_t sector, uint32_t length, handle_t folio, disk_done_fn done, void *context)
{
	assert_true(range_within(sector * 512, length, d->num_sectors * 512));
	return accept((struct pending){DISK_TRANSFER_WRITE, sector, length, folio, done, context});
}

error_t disk_flush(struct disk *d, disk_done_fn done, void *context)
{
	(void)d;
	return accept((struct pending){DISK_TRANSFER_FLUSH, 0, 0, HANDLE_NONE, done, context});
}

// Answers the request at `index` of those that wait.
static void answer(uint32_t index, error_t status)
{
	struct pending p = pending[index];

	memmove(&pending[index], &pending[index + 1], (num_pending - index - 1) * sizeof(p));
	num_pending--;
	if (status == 0 && p.kind == DISK_TRANSFER_READ)
		memcpy(folios[p.folio - 1], content + p.sector * 512, p.length);
	else if (status == 0 && p.kind == DISK_TRANSFER_WRITE)
		memcpy(content + p.sector * 512, folios[p.folio - 1], p.length);
	else if (status == 0)
		num_flushes++;
	p.done(p.context, status, p.folio);
}

static void answer_all(void)
{
	while (num_pending > 0)
		answer(num_pending - 1, 0);
}

// The driver ends: its requests fail, their folios are lost with it.
static void disk_dies(void)
{
	disk.ready = false;
	while (num_pending > 0) {
		struct pending p = pending[--num_pending];

		if (p.folio != HANDLE_NONE)
			handle_close(p.folio);
		p.done(p.context, ERR_PEER_CLOSED, HANDLE_NONE);
	}
}

static void enter(void *context)
{
	(void)context;
	depth++;
}

static void leave(void *context)
{
	(void)context;
	depth--;
}

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

static void start(struct test_transfer *t, enum disk_transfer_kind kind, uint64_t offset, size_t length)
{
	bool takes_nothing = t->takes_nothing;

	*t = (struct test_transfer){.takes_nothing = takes_nothing};
	t->transfer = (struct disk_transfer){
		.kind = kind, .offset = offset, .length = length, .put = put, .take = take, .finished = finished, .context = t};
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
	disk = (struct disk){.ready = true, .num_sectors = DISK_BYTES / 512};
	max_pending = 64;
	num_flushes = depth = 0;
	for (uint32_t i = 0; i < DISK_BYTES; i++) {
		content[i] = (uint8_t)(i * 7 + i / 251 + i / 65536);
		memory[i] = (uint8_t)(i * 13 + i / 241);
	}
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
	struct test_transfer t = {0};

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
	struct test_transfer t = {0};

	(void)state;
	start(&t, DISK_TRANSFER_WRITE, 512, 2 * DISK_PUMP_PIECE);
	answer_all();
	expect(&t, 0);
	assert_memory_equal(memory + 512, content + 512, 2 * DISK_PUMP_PIECE);
	assert_memory_not_equal(memory, content, 512);
}

static void test_flush(void **state)
{
	struct test_transfer read = {0}, flush = {0};

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
	struct test_transfer t[20] = {0};

	(void)state;
	for (uint32_t i = 0; i < 19; i++)
		start(&t[i], i % 2 ? DISK_TRANSFER_WRITE : DISK_TRANSFER_READ, i * DISK_PUMP_PIECE, DISK_PUMP_PIECE);
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
	struct test_transfer t = {0}, other = {0};

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
	struct test_transfer t = {0};

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
	struct test_transfer write = {0}, flush = {0}, later = {0};

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
	struct test_transfer t = {0}, later = {0};

	(void)state;
	start(&t, DISK_TRANSFER_WRITE, 0, 12 * DISK_PUMP_PIECE);
	disk_dies();
	assert_int_equal(t.num_finished, 0);
	disk_pump_resume(&pump, ERR_IO);
	expect(&t, ERR_IO);
	start(&later, DISK_TRANSFER_FLUSH, 0, 0);
	expect(&later, ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
