// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/virtio/device_fs.h"
#include "libs/virtio/device_test.h"

#define REPLY (TEST_BUFFERS + 4096u)

static struct test_guest *guest;
static struct fs_device *dev;
static struct fs_device_request *held[FS_DEVICE_MAX_REQUESTS + 1];
static uint32_t num_held;
static uint32_t num_forgotten;
static uint32_t num_looks;
static bool takes, refuses, looks;
static uint8_t taken[256];

static bool ready(void *context)
{
	(void)context;
	return takes;
}

static bool hold(void *context, struct fs_device_request *request)
{
	struct mut_span out = { .data = taken, .len = request->length };

	(void)context;
	if (refuses)
		return false;
	assert_true(fs_device_take(request, out));
	if (request->wants_reply)
		held[num_held++] = request;
	else
		num_forgotten++;
	return true;
}

static bool look_later(void *context)
{
	(void)context;
	num_looks++;
	return looks;
}

static int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	dev = calloc(1, sizeof(*dev));
	test_guest_init(guest, &dev->mmio);
	dev->ready = ready;
	dev->request = hold;
	strcpy(dev->tag, "starina");
	fs_device_init(dev);
	num_held = num_forgotten = num_looks = 0;
	takes = looks = true;
	refuses = false;
	test_start_device(&dev->mmio, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(dev);
	free(guest);
	return 0;
}

// Makes a request of `len` bytes whose header says `said`, with `room` bytes for the reply, and
// does not tell of it.
static void offer_quietly(uint32_t queue, uint32_t opcode, uint32_t len, uint32_t said,
                          uint32_t room)
{
	struct fuse_in_header header = { .len = said, .opcode = opcode, .unique = 77, .nodeid = 5 };
	uint32_t at = TEST_BUFFERS + queue * 1024;

	memcpy(guest->memory + at, &header, sizeof(header));
	memset(guest->memory + at + sizeof(header), 'x', 100);
	memset(guest->memory + REPLY, 0xff, 256);
	test_set_desc(guest, queue, 0, TEST_GPA + at, len, room > 0 ? VIRTQ_DESC_F_NEXT : 0, 1);
	test_set_desc(guest, queue, 1, TEST_GPA + REPLY, room, VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, queue, 0);
}

static void offer(uint32_t queue, uint32_t opcode, uint32_t len, uint32_t said, uint32_t room)
{
	offer_quietly(queue, opcode, len, said, room);
	virtio_mmio_notified(&dev->mmio, queue);
}

static struct fuse_out_header replied(void)
{
	struct fuse_out_header out;

	memcpy(&out, guest->memory + REPLY, sizeof(out));
	return out;
}

static error_t answer(uint64_t unique, uint32_t said, size_t len)
{
	uint8_t reply[256];
	struct fuse_out_header out = { .len = said, .unique = unique };

	memset(reply, 'r', sizeof(reply));
	memcpy(reply, &out, sizeof(out));
	return fs_device_answer(dev, (struct span){ .data = reply, .len = len });
}

static void the_driver_finds_a_tag_and_a_queue(void **state)
{
	(void)state;
	assert_string_equal((const char *)guest->page + VIRTIO_MMIO_CONFIG, "starina");
	assert_int_equal(guest->page[VIRTIO_MMIO_CONFIG + 36], 1);
}

static void a_request_gets_its_reply(void **state)
{
	struct fuse_in_header header;

	(void)state;
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	assert_int_equal(num_held, 1);
	memcpy(&header, taken, sizeof(header));
	assert_true(header.nodeid == 5 && header.len == 44 && header.unique != 77);
	assert_memory_equal(taken + 40, "xxxx", 4);
	assert_int_equal(answer(header.unique, 24, 24), 0);
	assert_true(replied().unique == 77 && replied().len == 24 && replied().error == 0);
	assert_memory_equal(guest->memory + REPLY + 16, "rrrrrrrr\xff", 9);
	assert_int_equal(test_used(guest, 1)->ring[0].len, 24);
	assert_true(guest->irq);
	// Once only.
	assert_int_equal(answer(header.unique, 24, 24), ERR_PROTOCOL);
}

// The `unique`s of one place differ, and tell the place.
static void a_place_has_many_uniques(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		struct fs_device_request *request;

		num_held = 0;
		offer(1, FUSE_LOOKUP, 44, 44, 64);
		request = held[0];
		assert_true(request->header.unique != last);
		assert_int_equal(request->header.unique % 32, fs_device_place(request));
		last = request->header.unique;
		assert_ptr_equal(fs_device_find(dev, last), request);
		assert_null(fs_device_find(dev, last + 32));
		assert_null(fs_device_find(dev, last + 1));
		fs_device_fail(request, 5);
		assert_null(fs_device_find(dev, last));
	}
}

// Until its end, a request can be read again, and what was put for it can be changed.
static void a_reply_is_put_and_amended(void **state)
{
	uint8_t reply[24] = { 24 };
	struct span span = { .data = reply, .len = sizeof(reply) };

	(void)state;
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	assert_true(fs_device_take(held[0], (struct mut_span){ .data = taken, .len = 44 }));
	assert_true(fs_device_put(held[0], span));
	fs_device_amend(held[0], 16, "12345678", 8);
	assert_int_equal(test_used(guest, 1)->idx, 0);
	fs_device_done(held[0], sizeof(reply));
	assert_int_equal(test_used(guest, 1)->ring[0].len, 24);
	assert_memory_equal(guest->memory + REPLY + 16, "12345678\xff", 9);
	offer(1, FUSE_LOOKUP, 44, 44, 20);
	assert_false(fs_device_put(held[1], span));
	assert_int_equal(replied().error, -5);
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	test_start_device(&dev->mmio, 0);
	assert_false(fs_device_put(held[2], span));
}

static void replies_that_are_none_are_refused(void **state)
{
	uint64_t unique;

	(void)state;
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	unique = held[0]->header.unique;
	assert_int_equal(answer(unique, 24, 15), ERR_PROTOCOL);
	assert_int_equal(answer(unique, 24, 25), ERR_PROTOCOL);
	assert_int_equal(answer(unique + 1, 24, 24), ERR_PROTOCOL);
	assert_int_equal(answer(unique + 32, 24, 24), ERR_PROTOCOL);
	assert_int_equal(answer(UINT64_MAX, 24, 24), ERR_PROTOCOL);
	assert_int_equal(replied().error, -1);  // nothing yet
	// Longer than the guest has room for: it hears of an error.
	assert_int_equal(answer(unique, 65, 65), 0);
	assert_true(replied().error == -5 && replied().unique == 77 && replied().len == 16);
}

static void requests_that_are_none_are_refused(void **state)
{
	(void)state;
	offer(1, FUSE_LOOKUP, 44, 45, 64);
	assert_int_equal(replied().error, -5);
	offer(1, FUSE_LOOKUP, 39, 39, 64);
	assert_int_equal(replied().error, -5);
	offer(1, FUSE_LOOKUP, 44, 45, 15);
	assert_int_equal(replied().len, UINT32_MAX);
	offer(1, FUSE_LOOKUP, 44, 43, 0);
	// One whose reply has nowhere to go is not started.
	offer(1, FUSE_LOOKUP, 44, 44, 15);
	offer(1, FUSE_LOOKUP, 44, 44, 0);
	assert_int_equal(num_held + num_forgotten, 0);
	assert_int_equal(test_used(guest, 1)->idx, 6);
}

static void forgets_get_no_reply(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		offer(0, FUSE_FORGET, 48, 48, i % 2 == 0 ? 0 : 64);
	assert_int_equal(num_forgotten, 100);
	assert_int_equal(num_held, 0);
	assert_int_equal(test_used(guest, 0)->idx, 100);
	assert_int_equal(replied().len, UINT32_MAX);
}

static bool is_told_of_forgets(void)
{
	return (test_used(guest, 0)->flags & VIRTQ_USED_F_NO_NOTIFY) == 0;
}

static void forgets_are_looked_for(void **state)
{
	(void)state;
	dev->look_later = look_later;
	assert_true(is_told_of_forgets());
	offer(0, FUSE_FORGET, 48, 48, 0);
	assert_true(num_forgotten == 1 && num_looks == 1 && !is_told_of_forgets());
	// With the next request, before it.
	offer_quietly(0, FUSE_FORGET, 48, 48, 0);
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	assert_true(num_forgotten == 2 && num_held == 1 && num_looks == 2);
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	assert_true(num_looks == 2 && !is_told_of_forgets());
	// Later, until there are none.
	offer_quietly(0, FUSE_FORGET, 48, 48, 0);
	fs_device_look(dev);
	assert_true(num_forgotten == 3 && num_looks == 3 && !is_told_of_forgets());
	fs_device_look(dev);
	assert_true(num_forgotten == 3 && num_looks == 3 && is_told_of_forgets());
	offer_quietly(0, FUSE_FORGET, 48, 48, 0);
	fs_device_look(dev);
	assert_int_equal(num_forgotten, 3);
}

static void forgets_are_told_of_when_nobody_can_look(void **state)
{
	(void)state;
	dev->look_later = look_later;
	looks = false;
	offer(0, FUSE_FORGET, 48, 48, 0);
	assert_true(num_looks == 1 && is_told_of_forgets());
}

static void a_reset_device_does_not_look(void **state)
{
	(void)state;
	dev->look_later = look_later;
	offer(0, FUSE_FORGET, 48, 48, 0);
	test_start_device(&dev->mmio, 0);
	memset(test_used(guest, 0), 0, 64);
	fs_device_look(dev);
	assert_true(num_forgotten == 1 && is_told_of_forgets());
}

static void a_backend_that_is_full_stops_the_queue(void **state)
{
	(void)state;
	takes = false;
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	offer(0, FUSE_FORGET, 48, 48, 0);
	assert_int_equal(num_held + num_forgotten, 0);
	takes = true;
	fs_device_resume(dev);
	assert_true(num_held == 1 && num_forgotten == 1);
}

static void what_is_refused_comes_again(void **state)
{
	(void)state;
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	assert_true(fs_device_has_only(dev, held[0]));
	refuses = true;
	offer(1, FUSE_GETATTR, 44, 44, 64);
	assert_true(num_held == 1 && fs_device_has_only(dev, held[0]));
	refuses = false;
	fs_device_fail(held[0], 5);
	assert_int_equal(num_held, 2);
	assert_int_equal(held[1]->header.opcode, FUSE_GETATTR);
	assert_int_equal(test_used(guest, 1)->idx, 1);
}

static void more_requests_than_there_are_wait(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++)
		offer(1, FUSE_LOOKUP, 44, 44, 64);
	assert_int_equal(num_held, FS_DEVICE_MAX_REQUESTS);
	offer(1, FUSE_GETATTR, 44, 44, 64);
	assert_int_equal(num_held, FS_DEVICE_MAX_REQUESTS);
	// The other queue goes on, and the waiting one is not forgotten over it.
	offer(0, FUSE_FORGET, 48, 48, 0);
	assert_int_equal(num_forgotten, 1);
	fs_device_fail(held[3], 107);
	assert_int_equal(num_held, FS_DEVICE_MAX_REQUESTS + 1);
	assert_ptr_equal(held[FS_DEVICE_MAX_REQUESTS], held[3]);
	fs_device_fail_all(dev, 107);
	assert_int_equal(replied().error, -107);
	assert_int_equal(test_used(guest, 1)->idx, FS_DEVICE_MAX_REQUESTS + 1);
}

static void a_reset_forgets_requests(void **state)
{
	uint64_t unique;

	(void)state;
	offer(1, FUSE_LOOKUP, 44, 44, 64);
	unique = held[0]->header.unique;
	test_start_device(&dev->mmio, 0);
	memset(test_used(guest, 1), 0, 64);
	assert_false(fs_device_take(held[0], (struct mut_span){ .data = taken, .len = 44 }));
	assert_int_equal(answer(unique, 24, 24), 0);
	assert_int_equal(replied().len, UINT32_MAX);
	assert_int_equal(test_used(guest, 1)->idx, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_driver_finds_a_tag_and_a_queue),
		TEST(a_request_gets_its_reply),
		TEST(a_place_has_many_uniques),
		TEST(a_reply_is_put_and_amended),
		TEST(replies_that_are_none_are_refused),
		TEST(requests_that_are_none_are_refused),
		TEST(forgets_get_no_reply),
		TEST(forgets_are_looked_for),
		TEST(forgets_are_told_of_when_nobody_can_look),
		TEST(a_reset_device_does_not_look),
		TEST(a_backend_that_is_full_stops_the_queue),
		TEST(what_is_refused_comes_again),
		TEST(more_requests_than_there_are_wait),
		TEST(a_reset_forgets_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
