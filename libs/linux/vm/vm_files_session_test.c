// SPDX-License-Identifier: MIT
//
// Providers that go and come back, greet, and are lent memory.
#include "libs/linux/vm/vm_files_fixture.h"

static void a_provider_that_comes_back_gets_what_is_unanswered(void **state)
{
	uint64_t key, uniques[3];

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	key = p.key;
	give(&p, 1, 6);
	give(&p, 1, 7);
	for (uint32_t i = 0; i < 3; i++) {
		ask(i, FUSE_GETATTR, NODE(1, 5 + i), NULL, 0);
		assert_int_equal(take_opcode(&p), FUSE_GETATTR);
		uniques[i] = p.in.unique;
	}
	answer(&p, uniques[1], -1, NULL, 0);
	provider_dies(&p);
	// What is asked meanwhile comes behind.
	ask(1, FUSE_READLINK, NODE(1, 7), NULL, 0);
	assert_true(error_of(0) == 1 && error_of(1) == 1 && error_of(2) == 1);
	accept_session(&p, host, FILES_HOST);
	assert_int_equal(p.key, key);
	assert_true(take_opcode(&p) == FUSE_GETATTR && p.in.unique == uniques[0]);
	assert_int_equal(p.in.nodeid, 5);
	assert_true(take_opcode(&p) == FUSE_GETATTR && p.in.unique == uniques[2]);
	assert_true(take_opcode(&p) == FUSE_READLINK && p.in.unique != uniques[1]);
	answer(&p, p.in.unique, -3, NULL, 0);
	answer(&p, uniques[0], -4, NULL, 0);
	answer(&p, uniques[2], -5, NULL, 0);
	assert_true(error_of(0) == -4 && error_of(1) == -3 && error_of(2) == -5);
}

static void a_provider_may_go_before_it_greets(void **state)
{
	uint64_t unique;

	(void)state;
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	fake_time_pass(100 * NSEC_PER_SEC);
	accept_session(&p, host, FILES_HOST);
	assert_int_equal(take_opcode(&p), FUSE_INIT);
	unique = p.in.unique;
	provider_dies(&p);
	accept_session(&p, host, FILES_HOST);
	answer_init(&p, FILES_INIT_FLAGS);
	assert_int_equal(p.in.unique, unique);
	assert_int_equal(take_opcode(&p), FUSE_LOOKUP);
	answer_entry(&p, 5);
	assert_true(entry_of(0).nodeid == NODE(1, 5));
}

static void a_provider_that_stays_away_is_lost(void **state)
{
	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	ask(0, FUSE_GETATTR, NODE(1, 5), NULL, 0);
	provider_dies(&p);
	fake_time_pass(29 * NSEC_PER_SEC);
	fake_loop_settle(&loop);
	assert_int_equal(error_of(0), 1);
	fake_time_pass(2 * NSEC_PER_SEC);
	fake_loop_settle(&loop);
	assert_int_equal(error_of(0), -107);
	assert_int_equal(asked(FUSE_GETATTR, NODE(1, 5), NULL, 0), -107);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2), -107);
	// The other session has lost nothing.
	ask(0, FUSE_GETATTR, NODE(2, 5), NULL, 0);
	assert_int_equal(take_opcode(&q), FUSE_GETATTR);
}

static void a_provider_that_ends_again_and_again_is_lost(void **state)
{
	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(0, FUSE_GETATTR, NODE(1, 5), NULL, 0);
	for (uint32_t i = 0; i < 100; i++) {
		provider_dies(&p);
		assert_int_equal(error_of(0), 1);
		accept_session(&p, host, FILES_HOST);
	}
	provider_dies(&p);
	assert_int_equal(error_of(0), -107);
}

static void a_provider_that_lies_is_lost(void **state)
{
	struct fuse_entry_out entry = { .nodeid = 1ull << 56 };
	struct fuse_direntplus dirent = { .dirent = { .namelen = 1000 } };

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	// An answer to what another session was asked.
	ask(0, FUSE_GETATTR, NODE(1, 5), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_GETATTR);
	answer(&q, p.in.unique, 0, NULL, 0);
	assert_int_equal(error_of(0), 1);
	assert_int_equal(asked(FUSE_GETATTR, NODE(2, 5), NULL, 0), -107);
	ask(1, FUSE_LOOKUP, NODE(1, 5), "x", 2);
	assert_int_equal(take_opcode(&p), FUSE_LOOKUP);
	answer(&p, p.in.unique, 0, &entry, sizeof(entry));
	assert_true(error_of(0) == -107 && error_of(1) == -107);
	// The guest may begin anew.
	assert_int_equal(asked(FUSE_DESTROY, 0, NULL, 0), 0);
	provider_dies(&p);
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(1, FUSE_READDIRPLUS, NODE(1, 5), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_READDIRPLUS);
	answer(&p, p.in.unique, 0, &dirent, sizeof(dirent));
	assert_int_equal(error_of(1), -107);
}

// The guest goes on once every provider has written what it has.
static void all_providers_are_told_of_the_end(void **state)
{
	uint64_t unique;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	ask(1, FUSE_DESTROY, 0, NULL, 0);
	assert_true(take_opcode(&p) == FUSE_DESTROY && p.in.nodeid == FUSE_ROOT_ID);
	assert_int_equal(take_opcode(&q), FUSE_DESTROY);
	assert_int_equal(asked(FUSE_DESTROY, 0, NULL, 0), -5);
	answer(&p, p.in.unique, 0, NULL, 0);
	assert_int_equal(error_of(1), 1);
	// One that comes back is told again.
	unique = q.in.unique;
	provider_dies(&q);
	accept_session(&q, volumes, FILES_VOLUMES);
	assert_true(take_opcode(&q) == FUSE_DESTROY && q.in.unique == unique);
	answer(&q, q.in.unique, -5, NULL, 0);
	assert_int_equal(error_of(1), 0);
	assert_int_equal(asked(FUSE_GETATTR, NODE(1, 5), NULL, 0), -116);
	provider_dies(&p);
	provider_dies(&q);
	// One that is lost does not keep the guest from its end.
	share_found(&p, host, "0", FILES_HOST, 5);
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	ask(1, FUSE_DESTROY, 0, NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_DESTROY);
	answer(&p, p.in.unique, 0, NULL, 0);
	assert_int_equal(error_of(1), 1);
	provider_dies(&q);
	fake_time_pass(31 * NSEC_PER_SEC);
	fake_loop_settle(&loop);
	assert_int_equal(error_of(1), 0);
}

static void a_provider_must_greet_well(void **state)
{
	(void)state;
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	accept_session(&p, host, FILES_HOST);
	answer_init(&p, FILES_INIT_FLAGS & ~FUSE_HANDLE_KILLPRIV_V2);
	assert_int_equal(error_of(0), -107);
}

static void a_new_mount_is_a_new_session(void **state)
{
	struct fuse_init_in in = { .major = 7, .minor = 31, .flags = FUSE_SUBMOUNTS };
	struct fuse_init_out out;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(0, FUSE_GETATTR, NODE(1, 5), NULL, 0);
	assert_int_equal(asked(FUSE_INIT, 0, &in, sizeof(in)), 0);
	memcpy(&out, guest->memory + AT_REPLY(3) + 16, sizeof(out));
	assert_int_equal(out.flags, FUSE_SUBMOUNTS);
	assert_int_equal(error_of(0), -107);
	assert_int_equal(asked(FUSE_GETATTR, NODE(1, 5), NULL, 0), -116);
	provider_dies(&p);
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	accept_session(&p, host, FILES_HOST);
	answer_init(&p, FUSE_SUBMOUNTS);
	assert_int_equal(take_opcode(&p), FUSE_LOOKUP);
	in.minor = 30;
	assert_int_equal(asked(FUSE_INIT, 0, &in, sizeof(in)), -71);
	assert_int_equal(asked(FUSE_INIT, 0, &in, 15), -22);
}

#define LARGE (36u * 1024)
#define MARK (FILES_LOAN_BYTES - 1)

static uint8_t *loan_bytes(void)
{
	void *base;

	assert_int_not_equal(p.loan, HANDLE_NONE);
	assert_int_equal(folio_map(p.loan, PROT_READ | PROT_WRITE, &base), 0);
	return base;
}

static void read_much(void)
{
	const struct fuse_read_in in = { .size = LARGE - sizeof(struct fuse_out_header) };

	ask_of(0, FUSE_READ, NODE(1, 5), &in, sizeof(in), LARGE);
	assert_int_equal(take_opcode(&p), FUSE_READ);
}

// Answers the last request: in what was lent, or inline with that beside it.
static void answer_with_loan(bool inside)
{
	struct fuse_out_header out = { .len = sizeof(out) + (inside ? 4096 : 0),
		                       .unique = p.in.unique };
	struct msg_files_fuse fuse = { .length = out.len, .offset = inside ? 4080 : 0 };
	struct message m;

	if (inside)
		memcpy(loan_bytes() + fuse.offset, &out, sizeof(out));
	assert_int_equal(message_encode_files_fuse(&m, &fuse, &out, inside ? 0 : sizeof(out)), 0);
	m.handles[0] = p.loan;
	m.num_handles = 1;
	assert_int_equal(channel_send(p.session, &m), 0);
	fake_loop_settle(&loop);
}

static void folios_are_lent_again(void **state)
{
	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	read_much();
	loan_bytes()[MARK] = 7;
	loan_bytes()[4096] = 8;
	answer_with_loan(true);
	assert_int_equal(error_of(0), 0);
	assert_int_equal(guest->memory[AT_REPLY(0) + sizeof(struct fuse_out_header)], 8);
	read_much();
	assert_int_equal(loan_bytes()[MARK], 7);
	answer_with_loan(false);
	assert_int_equal(error_of(0), 0);
	read_much();
	assert_int_equal(loan_bytes()[MARK], 7);
	answer_with_loan(false);
	// Not kept when nobody reads.
	for (int i = 0; i < 2; i++) {
		fake_time_pass(2 * NSEC_PER_SEC);
		fake_loop_settle(&loop);
	}
	read_much();
	assert_int_equal(loan_bytes()[MARK], 0);
	answer_with_loan(false);
	// A small read does not need one.
	ask(0, FUSE_READ, NODE(1, 5), &(struct fuse_read_in){ .size = 100 },
	    sizeof(struct fuse_read_in));
	assert_int_equal(take_opcode(&p), FUSE_READ);
	assert_int_equal(p.loan, HANDLE_NONE);
	answer(&p, p.in.unique, 0, NULL, 0);
}

static void who_keeps_folios_is_lent_no_more(void **state)
{
	uint32_t count = 0;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	for (read_much(); p.loan != HANDLE_NONE; read_much()) {
		handle_close(p.loan);
		answer(&p, p.in.unique, 0, NULL, 0);
		assert_true(++count < 1000);
	}
	answer(&p, p.in.unique, 0, NULL, 0);
	assert_true(count >= FILES_MAX_REQUESTS);
}

static void requests_wait_for_memory(void **state)
{
	uint8_t body[2000] = { 0 };
	uint64_t first;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(0, FUSE_GETATTR, NODE(1, 5), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_GETATTR);
	first = p.in.unique;
	fake_memory_fail(1);
	ask(1, FUSE_SETXATTR, NODE(1, 5), body, sizeof(body));
	assert_int_equal(take(&p), 0);
	fake_memory_fail(0);
	answer(&p, first, 0, NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_SETXATTR);
	answer(&p, p.in.unique, 0, NULL, 0);
	// With nobody to wait for, it fails.
	fake_memory_fail(1);
	ask(1, FUSE_SETXATTR, NODE(1, 5), body, sizeof(body));
	assert_int_equal(error_of(1), -12);
	fake_memory_fail(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_provider_that_comes_back_gets_what_is_unanswered),
		TEST(a_provider_may_go_before_it_greets),
		TEST(a_provider_that_stays_away_is_lost),
		TEST(a_provider_that_ends_again_and_again_is_lost),
		TEST(a_provider_that_lies_is_lost),
		TEST(all_providers_are_told_of_the_end),
		TEST(a_provider_must_greet_well),
		TEST(a_new_mount_is_a_new_session),
		TEST(folios_are_lent_again),
		TEST(who_keeps_folios_is_lent_no_more),
		TEST(requests_wait_for_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
