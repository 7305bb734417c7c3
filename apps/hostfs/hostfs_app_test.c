// SPDX-License-Identifier: MIT
//
// Which requests get a slot of the window: such as give it back.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "apps/hostfs/main.c"
#include "libs/abi/blkdev.h"
#include "libs/abi/files_change.h"
#include "libs/abi/fuse.h"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"

#define WINDOW_SECTORS (FILES_WINDOW_SLOTS * FILES_WINDOW_SLOT_BYTES / BLKDEV_SECTOR_SIZE)

static handle_t session, port;

static void settle(void)
{
	fake_loop_settle(&hostfs.loop);
}

static void window_comes(void)
{
	struct msg_blkdev_info info = { .num_sectors = WINDOW_SECTORS };
	handle_t provider = HANDLE_NONE, disk = HANDLE_NONE;
	struct message m;

	assert_true(fake_provider_asked(hostfs.blkdev, &provider));
	assert_true(fake_provider_opens(provider, &disk));
	assert_int_equal(message_encode_blkdev_info(&m, &info, NULL, 0), 0);
	fake_send(disk, &m);
	settle();
	assert_true(hostfs.window.ready);
}

static void host_comes(void)
{
	struct msg_data data = { .length = HELLO_LENGTH };
	handle_t provider = HANDLE_NONE;
	struct message m;

	assert_true(fake_provider_asked(hostfs.console, &provider));
	assert_true(fake_provider_opens(provider, &port));
	settle();
	assert_int_equal(channel_recv(port, &m), 0);
	message_discard(&m);
	assert_int_equal(message_encode_data(&m, &data, hostfs.incoming.hello, HELLO_LENGTH), 0);
	fake_send(port, &m);
	settle();
}

static int setup(void **state)
{
	handle_t service, client;

	(void)state;
	fake_reset();
	memset(&hostfs, 0, sizeof(hostfs));
	session = port = HANDLE_NONE;
	service = fake_service_create();
	hostfs.console = fake_connector_create();
	hostfs.blkdev = fake_connector_create();
	list_init(&hostfs.sessions);
	assert_int_equal(loop_init(&hostfs.loop), 0);
	assert_int_equal(clients_init(&hostfs, service), 0);
	client = fake_client_connect(service);
	assert_int_equal(open_send(client, 1, FILES_HOST), 0);
	settle();
	fake_take_all(client, &session, 1);
	assert_int_not_equal(session, HANDLE_NONE);
	window_comes();
	host_comes();
	return 0;
}

static unsigned slots_in_use(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < FILES_WINDOW_SLOTS; i++)
		count += hostfs.slots[i].state != SLOT_FREE;
	return count;
}

static void ask(uint32_t opcode, uint64_t unique, uint64_t node, uint32_t length)
{
	struct {
		struct fuse_in_header in;
		struct fuse_read_in read;
	} ask = { .in = { .len = length, .opcode = opcode, .unique = unique, .nodeid = node },
		  .read = { .size = FILES_WINDOW_MIN_BYTES } };
	struct msg_files_fuse fuse = { .length = sizeof(ask) };
	struct message m;

	assert_int_equal(message_encode_files_fuse(&m, &fuse, (const uint8_t *)&ask, sizeof(ask)),
	                 0);
	fake_send(session, &m);
	settle();
}

static void ask_read(uint64_t node, uint32_t length)
{
	ask(FUSE_READ, 1, node, length);
}

#define READ_LENGTH (sizeof(struct fuse_in_header) + sizeof(struct fuse_read_in))

static void test_a_long_read_has_a_slot(void **state)
{
	(void)state;
	ask_read(5, READ_LENGTH);
	assert_int_equal(slots_in_use(), 1);
}

static void test_who_waits_for_changes_has_none(void **state)
{
	(void)state;
	ask_read(FILES_CHANGES_NODE, READ_LENGTH);
	assert_int_equal(slots_in_use(), 0);
	assert_int_equal(hostfs.num_sessions, 1);
}

// The host would not answer it.
static void test_a_request_of_another_length_ends_its_session(void **state)
{
	(void)state;
	ask_read(5, READ_LENGTH - 8);
	assert_int_equal(slots_in_use(), 0);
	assert_int_equal(hostfs.num_sessions, 0);
}

// One too many ends its session, and the host hears nothing of it.
static void test_one_request_too_many_has_none(void **state)
{
	struct message m;

	(void)state;
	for (unsigned i = 0; i < FILES_MAX_REQUESTS; i++) {
		ask_read(FILES_CHANGES_NODE, READ_LENGTH);
		while (channel_recv(port, &m) == 0)
			message_discard(&m);
		settle();
	}
	assert_int_equal(hostfs.num_sessions, 1);
	ask_read(5, READ_LENGTH);
	assert_int_equal(hostfs.num_sessions, 0);
	assert_int_equal(slots_in_use(), 0);
}

// A release of which no answer is wanted is not one of those that are unanswered.
static void test_who_waits_for_no_answer_may_ask_often(void **state)
{
	struct message m;

	(void)state;
	for (unsigned i = 0; i < 2 * FILES_MAX_REQUESTS; i++) {
		ask(FUSE_RELEASE, 0, 5, READ_LENGTH);
		while (channel_recv(port, &m) == 0)
			message_discard(&m);
		settle();
	}
	assert_int_equal(hostfs.num_sessions, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_long_read_has_a_slot, setup),
		cmocka_unit_test_setup(test_who_waits_for_changes_has_none, setup),
		cmocka_unit_test_setup(test_a_request_of_another_length_ends_its_session, setup),
		cmocka_unit_test_setup(test_one_request_too_many_has_none, setup),
		cmocka_unit_test_setup(test_who_waits_for_no_answer_may_ask_often, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
