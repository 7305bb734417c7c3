// SPDX-License-Identifier: MIT
//
// Shares that are made, and looked up before the guest asks.
#include "libs/linux/vm/vm_files_fixture.h"

static void a_share_is_made(void **state)
{
	uint64_t first;

	(void)state;
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2);
	accept_session(&q, volumes, FILES_VOLUMES);
	answer_init(&q, FILES_INIT_FLAGS);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	first = q.in.unique;
	answer(&q, q.in.unique, -2, NULL, 0);
	assert_int_equal(take_opcode(&q), FUSE_MKDIR);
	assert_true(q.in.unique != first && q.in.unique % 32 == first % 32);
	assert_string_equal((char *)q.request + 48, "db");
	// Somebody else was first.
	answer(&q, q.in.unique, -17, NULL, 0);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	assert_int_equal(error_of(0), 1);
	answer_entry(&q, 8);
	assert_true(entry_of(0).nodeid == NODE(2, 8));
	assert_int_equal(take(&q), 0);
	// It is not tried for ever.
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	answer_entry(&q, 0);
	assert_int_equal(take_opcode(&q), FUSE_MKDIR);
	answer(&q, q.in.unique, -28, NULL, 0);
	assert_int_equal(error_of(0), -28);
}

// The provider finds the share that is looked up ahead of the guest.
static void found_ahead(struct provider *from, const char *name, const struct fuse_entry_out *entry)
{
	assert_int_equal(take_opcode(from), FUSE_LOOKUP);
	assert_true(from->in.nodeid == FUSE_ROOT_ID);
	assert_string_equal((char *)from->request + sizeof(from->in), name);
	answer(from, from->in.unique, 0, entry, sizeof(*entry));
}

static void shares_are_looked_up_ahead(void **state)
{
	const struct fuse_entry_out first = { .nodeid = 5, .attr_valid = 2, .attr_valid_nsec = 1 };
	const struct fuse_entry_out other = { .nodeid = 6, .attr_valid = 1 };

	(void)state;
	accept_session(&p, host, FILES_HOST);
	answer_init(&p, FILES_INIT_FLAGS);
	found_ahead(&p, "0", &first);
	found_ahead(&p, "1", &other);
	fake_time_pass(NSEC_PER_SEC + 1);
	// The guest does not wait, and gets what is left of their time.
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	assert_true(entry_of(0).nodeid == NODE(1, 5));
	assert_true(entry_of(0).attr.flags == FUSE_ATTR_SUBMOUNT);
	assert_true(entry_of(0).entry_valid == 3600 && entry_of(0).attr_valid == 1);
	assert_int_equal(entry_of(0).attr_valid_nsec, 0);
	ask(1, FUSE_LOOKUP, FUSE_ROOT_ID, "2", 2);
	assert_true(entry_of(1).nodeid == NODE(1, 6) && entry_of(1).attr_valid == 0);
	assert_int_equal(take(&p), 0);
	ask(2, FUSE_GETATTR, NODE(1, 6), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_GETATTR);
	// Once only.
	share_found(&p, host, "0", FILES_HOST, 9);
	assert_true(entry_of(0).nodeid == NODE(1, 9));
}

static void a_guest_that_asks_first_is_answered_by_itself(void **state)
{
	const struct fuse_entry_out entry = { .nodeid = 8 };
	const uint64_t one = 8;
	struct fuse_in_header ours;

	(void)state;
	accept_session(&q, volumes, FILES_VOLUMES);
	answer_init(&q, FILES_INIT_FLAGS);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	ours = q.in;
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	assert_true(q.in.unique % 32 != ours.unique % 32);
	answer(&q, ours.unique, 0, &entry, sizeof(entry));
	// What ours has found nobody will forget but us.
	assert_int_equal(error_of(0), 1);
	answer(&q, q.in.unique, 0, &entry, sizeof(entry));
	assert_true(entry_of(0).nodeid == NODE(2, 8));
	take_batch(&q, &one, 1);
	assert_int_equal(files->nodes.num_nodes, 1);
}

static void what_is_looked_up_ahead_is_made(void **state)
{
	const struct fuse_entry_out entry = { .nodeid = 8 };
	uint64_t unique;

	(void)state;
	accept_session(&q, volumes, FILES_VOLUMES);
	answer_init(&q, FILES_INIT_FLAGS);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	answer(&q, q.in.unique, -2, NULL, 0);
	assert_int_equal(take_opcode(&q), FUSE_MKDIR);
	unique = q.in.unique;
	// One that comes back is asked the same.
	provider_dies(&q);
	accept_session(&q, volumes, FILES_VOLUMES);
	assert_int_equal(take_opcode(&q), FUSE_MKDIR);
	assert_true(q.in.unique == unique);
	answer(&q, unique, 0, &entry, sizeof(entry));
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2);
	assert_true(entry_of(0).nodeid == NODE(2, 8));
	assert_int_equal(take(&q), 0);
}

// What was found ahead goes with the session, and with a guest that begins anew.
static void what_is_lost_is_not_there(void **state)
{
	const struct fuse_entry_out entry = { .nodeid = 8 };
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = UINT32_MAX };

	(void)state;
	accept_session(&q, volumes, FILES_VOLUMES);
	answer_init(&q, FILES_INIT_FLAGS);
	found_ahead(&q, "db", &entry);
	assert_int_equal(asked(FUSE_INIT, 0, &in, sizeof(in)), 0);
	provider_dies(&q);
	accept_session(&q, volumes, FILES_VOLUMES);
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2);
	assert_int_equal(error_of(0), 1);
	answer_init(&q, FILES_INIT_FLAGS);
	assert_int_equal(take_opcode(&q), FUSE_LOOKUP);
	answer_entry(&q, 9);
	assert_true(entry_of(0).nodeid == NODE(2, 9));
	// One that is away for too long.
	provider_dies(&q);
	fake_time_pass(31 * NSEC_PER_SEC);
	fake_loop_settle(&loop);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2), -107);
}

// Sessions are open before the guest is there; it says what it speaks, and so do they.
static void sessions_wait_for_the_guest(void **state)
{
	struct vm_share share = { .connector = volumes, .uri = FILES_VOLUMES, .name = "db" };
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = FUSE_SUBMOUNTS };
	const struct fuse_entry_out entry = { .nodeid = 8 };
	uint64_t key;

	(void)state;
	make_anew();
	q.connection = fake_provider_accept(volumes);  // of those that are gone
	provider_dies(&q);
	assert_int_equal(vm_files_bind(files, &loop, &share, 1), 0);
	accept_session(&q, volumes, FILES_VOLUMES);
	key = q.key;
	assert_int_equal(take(&q), 0);
	test_start_device(&files->device.mmio, 0);
	ask(0, FUSE_INIT, 0, &in, sizeof(in));
	assert_int_equal(error_of(0), 0);
	answer_init(&q, FUSE_SUBMOUNTS);
	assert_true(q.key == key);
	found_ahead(&q, "db", &entry);
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	assert_true(entry_of(0).nodeid == NODE(1, 8));
}

#define SHARES 32u

// The guest begins with a bound device of so many volumes.
static void bind_volumes(uint32_t count)
{
	static struct vm_share shares[SHARES + 1];

	make_anew();
	q.connection = fake_provider_accept(volumes);  // of those that are gone
	provider_dies(&q);
	p.connection = fake_provider_accept(host);
	provider_dies(&p);
	for (uint32_t i = 0; i < count; i++)
		shares[i] = (struct vm_share){ .connector = volumes,
			                       .uri = FILES_VOLUMES,
			                       .name = "db" };
	shares[count - 1] = (struct vm_share){ .connector = host, .uri = FILES_HOST, .name = "0" };
	assert_int_equal(vm_files_bind(files, &loop, shares, count), 0);
	test_start_device(&files->device.mmio, 0);
}

static void guest_speaks(void)
{
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = FUSE_SUBMOUNTS };

	assert_int_equal(asked(FUSE_INIT, 0, &in, sizeof(in)), 0);
}

static uint32_t take_look_ups(struct provider *from)
{
	uint32_t count = 0;

	while (take_opcode(from) == FUSE_LOOKUP)
		count++;
	return count;
}

// A provider that takes look-ups ahead and stays away leaves the guest its requests to others.
static void few_are_looked_up_at_once(void **state)
{
	const struct fuse_entry_out entry = { .nodeid = 8 };

	(void)state;
	bind_volumes(SHARES);
	guest_speaks();
	accept_session(&q, volumes, FILES_VOLUMES);
	answer_init(&q, FUSE_SUBMOUNTS);
	// The next when one is answered.
	found_ahead(&q, "db", &entry);
	assert_int_equal(take_look_ups(&q), 4);
	provider_dies(&q);
	share_found(&p, host, "31", FILES_HOST, 5);
	ask(0, FUSE_GETATTR, NODE(2, 5), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_GETATTR);
	// It comes back: all are asked.
	accept_session(&q, volumes, FILES_VOLUMES);
	for (uint32_t i = 1; i < SHARES - 1; i++)
		found_ahead(&q, "db", &entry);
	assert_int_equal(take(&q), 0);
	ask(1, FUSE_LOOKUP, FUSE_ROOT_ID, "30", 3);
	assert_true(entry_of(1).nodeid == NODE(1, 8));
}

// Whom the guest does not get is lost once, and said once, when nobody has spoken yet.
static void what_is_lost_before_the_guest_stays_so(void **state)
{
	struct message m;

	(void)state;
	bind_volumes(2);
	q.connection = fake_provider_accept(volumes);
	fake_loop_settle(&loop);
	assert_int_equal(channel_recv(q.connection, &m), 0);
	assert_int_equal(error_send(q.connection, 1, ERR_NOT_FOUND, NULL), 0);
	fake_loop_settle(&loop);
	fake_close(&q.connection);
	guest_speaks();
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2), -107);
	assert_int_equal(fake_provider_accept(volumes), HANDLE_NONE);
	// It is tried again for the next mount.
	guest_speaks();
	q.connection = fake_provider_accept(volumes);
	assert_int_not_equal(q.connection, HANDLE_NONE);
}

// A session that is still being opened when the guest ends is none of the next mount's.
static void a_session_that_opens_late_is_not_the_old_guests(void **state)
{
	struct message m;

	(void)state;
	bind_volumes(2);
	guest_speaks();
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	// Another mount: what was asked before is over, and the session still comes.
	guest_speaks();
	assert_int_equal(error_of(0), -107);
	q.connection = fake_provider_accept(volumes);
	assert_int_not_equal(q.connection, HANDLE_NONE);
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	assert_int_equal(asked(FUSE_DESTROY, 0, NULL, 0), 0);
	assert_int_equal(error_of(0), -107);
	fake_loop_settle(&loop);
	assert_int_equal(channel_recv(q.connection, &m), 0);
	assert_int_equal(m.type, MSG_OPEN);
	assert_int_equal(channel_recv(q.connection, &m), ERR_PEER_CLOSED);
	assert_int_equal(files->sessions[0].state, FILES_SESSION_CLOSED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_share_is_made),
		TEST(shares_are_looked_up_ahead),
		TEST(a_guest_that_asks_first_is_answered_by_itself),
		TEST(what_is_looked_up_ahead_is_made),
		TEST(what_is_lost_is_not_there),
		TEST(sessions_wait_for_the_guest),
		TEST(few_are_looked_up_at_once),
		TEST(what_is_lost_before_the_guest_stays_so),
		TEST(a_session_that_opens_late_is_not_the_old_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
