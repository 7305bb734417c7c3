// SPDX-License-Identifier: MIT
//
// A guest's requests over several sessions: which node is whose, and what is forgotten.
#include "libs/linux/vm/vm_files_fixture.h"

static void the_root_is_our_own(void **state)
{
	struct fuse_init_out init;
	struct fuse_attr_out attr;

	(void)state;
	memcpy(&init, guest->memory + AT_REPLY(3) + 16, sizeof(init));
	assert_true(init.major == 7 && init.minor == 38 && init.flags == FILES_INIT_FLAGS);
	assert_int_equal(asked(FUSE_GETATTR, FUSE_ROOT_ID, NULL, 0), 0);
	memcpy(&attr, guest->memory + AT_REPLY(3) + 16, sizeof(attr));
	assert_int_equal(attr.attr.mode, 040755);
	assert_int_equal(asked(FUSE_MKDIR, FUSE_ROOT_ID, "        x", 10), -30);
	assert_int_equal(asked(FUSE_GETATTR, 2, NULL, 0), -116);
	assert_int_equal(asked(FUSE_OPEN, FUSE_ROOT_ID, NULL, 0), -38);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "3", 2), -2);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "", 1), -2);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "00001", 6), -2);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "..", 3), -2);
}

// What waited before a reset is over; what has come since is answered.
static void a_reset_while_it_waits_for_shares(void **state)
{
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = UINT32_MAX };
	struct vm_share share = { .connector = volumes, .uri = FILES_VOLUMES, .name = "db" };
	struct fuse_init_out init;

	(void)state;
	make_anew();
	test_start_device(&files->device.mmio, 0);
	ask(0, FUSE_INIT, 0, &in, sizeof(in));
	virtio_mmio_write(&files->device.mmio, VIRTIO_MMIO_STATUS, 4, 0);
	memset(guest->memory, 0, sizeof(guest->memory));
	test_start_device(&files->device.mmio, 0);
	ask(1, FUSE_INIT, 0, &in, sizeof(in));
	memset(guest->memory + AT_REPLY(0), 0xff, ROOM);
	assert_int_equal(vm_files_bind(files, &loop, &share, 1), 0);
	assert_int_equal(error_of(0), 1);
	assert_int_equal(error_of(1), 0);
	memcpy(&init, guest->memory + AT_REPLY(1) + 16, sizeof(init));
	assert_int_equal(init.flags, FILES_VOLUMES_FLAGS);
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++)
		assert_false(files->device.requests[i].busy);
}

static void rehearse_anew(const struct fuse_init_in *in)
{
	make_anew();
	test_start_device(&files->device.mmio, 0);
	ask(1, FUSE_INIT, 0, in, sizeof(*in));
	memset(guest->memory + AT_REPLY(1), 0xff, ROOM);
	vm_files_rehearse(files);
	assert_int_equal(error_of(1), 0);
}

// A guest without shares mounts a folder of ours; what it asks for afterwards waits for its shares.
static void a_mount_is_rehearsed(void **state)
{
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = UINT32_MAX };
	struct vm_share share = { .connector = host, .uri = FILES_HOST, .name = "0" };
	struct fuse_entry_out entry;
	struct fuse_init_out init;

	(void)state;
	rehearse_anew(&in);
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, "0", 2);
	entry = entry_of(0);
	assert_int_equal(entry.attr.mode, 040755);
	assert_int_equal(entry.attr.flags, FUSE_ATTR_SUBMOUNT);
	assert_int_equal(asked(FUSE_GETATTR, entry.nodeid, NULL, 0), 0);
	assert_int_equal(asked(FUSE_LOOKUP, entry.nodeid, "0", 2), -38);
	assert_int_equal(asked(FUSE_GETATTR, entry.nodeid + 1, NULL, 0), -116);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "1", 2), -2);
	assert_int_equal(asked(FUSE_LOOKUP, FUSE_ROOT_ID, "00", 3), -2);
	assert_int_equal(asked(FUSE_LOOKUP, NODE(1, 5), "x", 2), -116);
	assert_int_equal(asked(FUSE_DESTROY, 0, NULL, 0), 0);
	assert_int_equal(asked(FUSE_GETATTR, entry.nodeid, NULL, 0), -107);
	ask(1, FUSE_INIT, 0, &in, sizeof(in));
	memset(guest->memory + AT_REPLY(1), 0xff, ROOM);
	assert_int_equal(vm_files_bind(files, &loop, &share, 1), 0);
	assert_int_equal(error_of(1), 0);
	memcpy(&init, guest->memory + AT_REPLY(1) + 16, sizeof(init));
	assert_int_equal(init.flags, FILES_INIT_FLAGS);
	vm_files_rehearse(files);
	assert_int_equal(asked(FUSE_GETATTR, entry.nodeid, NULL, 0), -116);
}

// One that does not say that it has done is told nothing of its shares.
static void a_rehearsal_without_an_end(void **state)
{
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = UINT32_MAX };
	struct vm_share share = { .connector = host, .uri = FILES_HOST, .name = "0" };
	handle_t before = fake_provider_accept(host);

	(void)state;
	fake_close(&before);
	rehearse_anew(&in);
	assert_int_equal(vm_files_bind(files, &loop, &share, 1), 0);
	accept_session(&p, host, FILES_HOST);
	assert_int_equal(asked(FUSE_GETATTR, FUSE_ROOT_ID + 1, NULL, 0), -116);
	assert_int_equal(take(&p), 0);
	ask(1, FUSE_INIT, 0, &in, sizeof(in));
	assert_int_equal(error_of(1), 0);
	answer_init(&p, FILES_INIT_FLAGS);
}

static void shares_are_bounded(void **state)
{
	struct vm_share *shares = calloc(VM_MAX_SHARES + 1, sizeof(*shares));
	struct vm_files *more = calloc(1, sizeof(*more));

	(void)state;
	for (uint32_t i = 0; i <= VM_MAX_SHARES; i++) {
		shares[i].connector = host;
		strcpy(shares[i].uri, FILES_HOST);
	}
	assert_int_equal(vm_files_bind(more, &loop, shares, VM_MAX_SHARES + 1), ERR_LIMIT);
	// Each in a session of its own.
	for (uint32_t i = 0; i < VM_MAX_SHARES; i++)
		shares[i].uri[0] = (char)('A' + i);
	assert_int_equal(vm_files_bind(more, &loop, shares, VM_MAX_SHARES), 0);
	assert_int_equal(more->num_sessions, VM_MAX_SHARES);
	vm_files_deinit(more);
	free(more);
	free(shares);
}

static void each_session_has_a_slot(void **state)
{
	struct fuse_entry_out entry;
	uint64_t key;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	assert_int_equal(p.in.nodeid, FUSE_ROOT_ID);
	assert_string_equal((char *)p.request + sizeof(p.in), "0");
	entry = entry_of(0);
	assert_true(entry.nodeid == NODE(1, 5) && entry.attr.flags == FUSE_ATTR_SUBMOUNT);
	assert_int_equal(entry.entry_valid, 3600);
	key = p.key;
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	assert_string_equal((char *)q.request + sizeof(q.in), "db");
	assert_true(entry_of(0).nodeid == NODE(2, 5));
	// One session for both shares of one URI.
	share_found(&p, host, "2", FILES_HOST, 6);
	assert_true(entry_of(0).nodeid == NODE(1, 6) && p.key == key);
	ask(0, FUSE_GETATTR, NODE(2, 5), NULL, 0);
	assert_int_equal(take_opcode(&q), FUSE_GETATTR);
	assert_true(q.in.nodeid == 5 && take(&p) == 0);
	answer(&q, q.in.unique, -13, NULL, 0);
	assert_int_equal(error_of(0), -13);
}

// The guest's connection is with us: what begins or ends one is no request to a node's provider.
static void no_session_is_begun_or_ended_by_its_nodes(void **state)
{
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = UINT32_MAX };

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(1, FUSE_INIT, NODE(1, 5), &in, sizeof(in));
	assert_int_equal(error_of(1), 0);
	assert_int_equal(take(&p), 0);
	// As all that was before, the node is gone.
	assert_int_equal(asked(FUSE_GETATTR, NODE(1, 5), NULL, 0), -116);
	fake_close(&p.connection);
	fake_close(&p.session);
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(1, FUSE_DESTROY, NODE(1, 5), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_DESTROY);
	assert_true(p.in.nodeid == FUSE_ROOT_ID && error_of(1) == 1);
	answer(&p, p.in.unique, 0, NULL, 0);
	assert_int_equal(error_of(1), 0);
}

static void ids_that_are_none_are_refused(void **state)
{
	struct fuse_rename_in newdir = { NODE(1, 9) };
	struct fuse_copy_file_range_in range = { .nodeid_out = NODE(1, FUSE_ROOT_ID) };
	const uint64_t none[] = { NODE(1, 0), NODE(1, FUSE_ROOT_ID), NODE(2, 5), NODE(3, 5),
		                  UINT64_MAX };

	(void)state;
	assert_int_equal(asked(FUSE_GETATTR, NODE(1, 5), NULL, 0), -116);
	share_found(&p, host, "0", FILES_HOST, 5);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(asked(FUSE_GETATTR, none[i], NULL, 0), -116);
	// No way into the other session, or into the session's root.
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	assert_int_equal(asked(FUSE_RENAME, NODE(2, 5), &newdir, sizeof(newdir)), -18);
	assert_int_equal(asked(FUSE_RENAME2, NODE(2, 5), &newdir, sizeof(newdir)), -18);
	assert_int_equal(asked(FUSE_LINK, NODE(2, 5), &newdir, sizeof(newdir)), -18);
	assert_int_equal(asked(FUSE_LINK, NODE(2, 5), &newdir, 7), -22);
	assert_int_equal(asked(FUSE_COPY_FILE_RANGE, NODE(2, 5), &range, sizeof(range)), -18);
	assert_int_equal(asked(FUSE_COPY_FILE_RANGE, NODE(1, 5), &range, sizeof(range)), -116);
	assert_int_equal(take(&p) + take(&q), 0);
}

static void ids_are_translated(void **state)
{
	struct fuse_rename_in newdir = { NODE(1, 9) };
	struct fuse_copy_file_range_in range = { .nodeid_out = NODE(1, 9) };
	struct fuse_direntplus entries[2] = { { .entry_out = { .nodeid = 7 } },
		                              { .entry_out = { .nodeid = 0 } } };
	uint64_t id;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	assert_int_equal(asked(FUSE_RENAME, NODE(1, 5), &newdir, sizeof(newdir)), -116);
	give(&p, 1, 9);
	ask(0, FUSE_RENAME, NODE(1, 5), &newdir, sizeof(newdir));
	assert_int_equal(take_opcode(&p), FUSE_RENAME);
	memcpy(&id, p.request + 40, 8);
	assert_true(p.in.nodeid == 5 && id == 9);
	answer(&p, p.in.unique, 0, NULL, 0);
	ask(0, FUSE_LINK, NODE(1, 5), &newdir, sizeof(newdir));
	assert_int_equal(take_opcode(&p), FUSE_LINK);
	memcpy(&id, p.request + 40, 8);
	assert_int_equal(id, 9);
	answer_entry(&p, 9);
	assert_true(entry_of(0).nodeid == NODE(1, 9) && entry_of(0).attr.flags == 0);
	ask(0, FUSE_COPY_FILE_RANGE, NODE(1, 5), &range, sizeof(range));
	assert_int_equal(take_opcode(&p), FUSE_COPY_FILE_RANGE);
	memcpy(&id, p.request + 40 + 16, 8);
	assert_int_equal(id, 9);
	answer(&p, p.in.unique, 0, &id, 8);
	ask(0, FUSE_READDIRPLUS, NODE(1, 5), NULL, 0);
	assert_int_equal(take_opcode(&p), FUSE_READDIRPLUS);
	answer(&p, p.in.unique, 0, entries, sizeof(entries));
	assert_true(entry_of(0).nodeid == NODE(1, 7));
	memcpy(&id, guest->memory + AT_REPLY(0) + 16 + sizeof(entries[0]), 8);
	assert_int_equal(id, 0);
}

static void a_batch_is_shared_out(void **state)
{
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[4];
	} batch = { { .count = 4 },
		    { { NODE(1, 9), 1 }, { NODE(2, 6), 1 }, { 77, 3 }, { NODE(2, 7), 1 } } };
	struct fuse_forget_one got;
	struct fuse_batch_forget_in in;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	share_found(&q, volumes, "1", FILES_VOLUMES, 5);
	for (int i = 0; i < 2; i++) {
		give(&p, 1, 9);
		give(&q, 2, 6);
		give(&q, 2, 7);
	}
	ask(0, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	assert_int_equal(take_opcode(&p), FUSE_BATCH_FORGET);
	memcpy(&in, p.request + 40, sizeof(in));
	memcpy(&got, p.request + 48, sizeof(got));
	assert_true(in.count == 1 && p.in.len == 64 && got.nodeid == 9 && got.nlookup == 1);
	assert_int_equal(take_opcode(&q), FUSE_BATCH_FORGET);
	memcpy(&in, q.request + 40, sizeof(in));
	memcpy(&got, q.request + 64, sizeof(got));
	assert_true(in.count == 2 && q.in.len == 80 && got.nodeid == 7 && got.nlookup == 1);
	// A session that is away keeps its part waiting, the other one has its own already.
	provider_dies(&q);
	ask(1, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	assert_int_equal(take_opcode(&p), FUSE_BATCH_FORGET);
	assert_int_equal(test_used(guest, 0)->idx, 1);
	accept_session(&q, volumes, FILES_VOLUMES);
	assert_int_equal(take_opcode(&q), FUSE_BATCH_FORGET);
	assert_int_equal(take(&p), 0);
	assert_int_equal(test_used(guest, 0)->idx, 2);
	// What is forgotten is not the guest's any more.
	ask(1, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	assert_int_equal(take(&p) + take(&q), 0);
	assert_int_equal(asked(FUSE_GETATTR, NODE(2, 7), NULL, 0), -116);
	got.nlookup = 1;
	ask(0, FUSE_FORGET, NODE(1, 5), &got.nlookup, 8);
	assert_true(take_opcode(&p) == FUSE_FORGET && p.in.nodeid == 5);
	ask(0, FUSE_FORGET, NODE(1, 5), &got.nlookup, 8);
	assert_int_equal(take(&p), 0);
	assert_int_equal(asked(FUSE_GETATTR, NODE(1, 5), NULL, 0), -116);
}

static void forgets_are_looked_for_later(void **state)
{
	const uint64_t once = 1;

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	for (int i = 0; i < 3; i++)
		give(&p, 1, 9);
	ask(0, FUSE_FORGET, NODE(1, 9), &once, 8);
	assert_int_equal(take_opcode(&p), FUSE_FORGET);
	for (int i = 0; i < 2; i++) {
		offer_of(0, FUSE_FORGET, NODE(1, 9), &once, 8, 0);
		fake_loop_settle(&loop);
		assert_int_equal(take(&p), 0);
		fake_time_pass(11 * NSEC_PER_MSEC);
		fake_loop_settle(&loop);
		assert_int_equal(take_opcode(&p), FUSE_FORGET);
	}
	assert_int_equal(test_used(guest, 0)->idx, 3);
}

static void closes_are_not_waited_for(void **state)
{
	struct fuse_release_in in = { .fh = 3 };

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	for (uint64_t i = 0; i < 2 * FS_DEVICE_MAX_REQUESTS; i++) {
		assert_int_equal(asked(FUSE_RELEASE, NODE(1, 5), &in, sizeof(in)), 0);
		assert_true(take_opcode(&p) == FUSE_RELEASE && p.in.unique == 0 &&
		            p.in.nodeid == 5);
	}
	assert_int_equal(asked(FUSE_RELEASE, NODE(1, 9), &in, sizeof(in)), -116);
	// While its provider is away it waits, and is answered as others are.
	provider_dies(&p);
	ask(0, FUSE_RELEASEDIR, NODE(1, 5), &in, sizeof(in));
	assert_int_equal(error_of(0), 1);
	accept_session(&p, host, FILES_HOST);
	assert_true(take_opcode(&p) == FUSE_RELEASEDIR && p.in.unique != 0);
	answer(&p, p.in.unique, 0, NULL, 0);
	assert_int_equal(error_of(0), 0);
}

static void what_is_written_lies_on_a_page(void **state)
{
	struct {
		struct fuse_write_in in;
		uint8_t data[4096];
	} write = { .in = { .size = 4096 }, .data = { 1, 2, 3 } };

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	ask(0, FUSE_WRITE, NODE(1, 5), &write, sizeof(write));
	assert_int_equal(take_opcode(&p), FUSE_WRITE);
	assert_int_equal(p.offset + sizeof(p.in) + sizeof(write.in), 4096);
	assert_memory_equal(p.request + 80, write.data, sizeof(write.data));
	answer(&p, p.in.unique, 0, NULL, 0);
}

// Nodes that the guest cannot be given are the provider's to forget at once.
static void what_is_not_given_is_forgotten(void **state)
{
	static const uint64_t alone = 1000, two[] = { 2000, 2001 };
	struct {
		struct fuse_direntplus entry;
		char name[8];
	} entries[2] = { 0 };
	struct fuse_read_in read = { .size = 800 };

	(void)state;
	share_found(&p, host, "0", FILES_HOST, 5);
	while (files->nodes.num_nodes < 48)
		give(&p, 1, 100 + files->nodes.num_nodes);
	ask(0, FUSE_LOOKUP, NODE(1, 5), "x", 2);
	assert_int_equal(take_opcode(&p), FUSE_LOOKUP);
	fake_memory_fail(1);
	answer_entry(&p, alone);
	fake_memory_fail(0);
	assert_int_equal(error_of(0), -12);
	take_batch(&p, &alone, 1);
	// One of two is there already, and is no more than before.
	for (size_t i = 0; i < 2; i++) {
		entries[i].entry.entry_out.nodeid = two[i];
		entries[i].entry.dirent.namelen = 1;
		entries[i].name[0] = 'x';
	}
	entries[0].entry.entry_out.nodeid = 101;
	ask(0, FUSE_READDIRPLUS, NODE(1, 5), &read, sizeof(read));
	assert_int_equal(take_opcode(&p), FUSE_READDIRPLUS);
	fake_memory_fail(2);
	answer(&p, p.in.unique, 0, entries, sizeof(entries));
	fake_memory_fail(0);
	assert_int_equal(error_of(0), -12);
	take_batch(&p, (const uint64_t[]){ 101, two[1] }, 2);
	assert_int_equal(files->nodes.num_nodes, 48);
	assert_true(files_nodes_has(&files->nodes, NODE(1, 101)));
	assert_false(files_nodes_has(&files->nodes, NODE(1, two[1])));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_root_is_our_own),
		TEST(a_reset_while_it_waits_for_shares),
		TEST(a_mount_is_rehearsed),
		TEST(a_rehearsal_without_an_end),
		TEST(shares_are_bounded),
		TEST(each_session_has_a_slot),
		TEST(no_session_is_begun_or_ended_by_its_nodes),
		TEST(ids_that_are_none_are_refused),
		TEST(ids_are_translated),
		TEST(a_batch_is_shared_out),
		TEST(forgets_are_looked_for_later),
		TEST(closes_are_not_waited_for),
		TEST(what_is_written_lies_on_a_page),
		TEST(what_is_not_given_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
