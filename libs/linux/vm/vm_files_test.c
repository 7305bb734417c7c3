// SPDX-License-Identifier: MIT
//
// A guest's requests over several sessions, whose providers go and come back.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/linux/vm/vm_files.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"
#include "libs/virtio/device_test.h"

#define AT_REQUEST(slot) (TEST_BUFFERS + (slot)*8192u)
#define AT_REPLY(slot) (AT_REQUEST(slot) + 6144u)
#define ROOM 1024u
#define NODE(slot, id) ((uint64_t)(slot) << 56 | (id))

static struct test_guest *guest;
static struct machine machine;
static struct loop loop;
static struct vm_files *files;
static handle_t host, volumes;  // connectors

// The provider's side of a session.
struct provider {
	handle_t connection;
	handle_t session;
	uint64_t key;
	uint8_t request[8192];  // the last one
	struct fuse_in_header in;
	uint32_t offset;
	handle_t loan;  // HANDLE_NONE: the last request had none
};
static struct provider p, q;

error_t machine_slot_create(struct machine *m, struct virtio_mmio_device *device)
{
	(void)m;
	test_guest_init(guest, device);
	return 0;
}

error_t machine_attach(struct machine *m, struct virtio_mmio_device *device)
{
	(void)m;
	(void)device;
	return 0;
}

void machine_enter(struct machine *m)
{
	assert_int_equal(m->lock_depth++, 0);
}

void machine_leave(struct machine *m)
{
	m->lock_depth--;
}

// --- The guest -----------------------------------------------------------------------------------

static void notify(uint32_t queue)
{
	machine_enter(&machine);
	virtio_mmio_notified(&files->device.mmio, queue);
	machine_leave(&machine);
	fake_loop_settle(&loop);
}

// Asks in descriptors and buffers of `slot` (0 to 3).
static void ask_of(uint32_t slot, uint32_t opcode, uint64_t id, const void *body, size_t len,
                   uint32_t room)
{
	struct fuse_in_header in = { .len = (uint32_t)(sizeof(in) + len),
		                     .opcode = opcode,
		                     .unique = 1000 + slot,
		                     .nodeid = id };
	uint32_t queue = opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ? 0 : 1;
	uint16_t head = (uint16_t)(slot * 2);

	memcpy(guest->memory + AT_REQUEST(slot), &in, sizeof(in));
	if (len > 0)
		memcpy(guest->memory + AT_REQUEST(slot) + sizeof(in), body, len);
	memset(guest->memory + AT_REPLY(slot), 0xff, room);
	test_set_desc(guest, queue, head, TEST_GPA + AT_REQUEST(slot), in.len,
	              queue == 1 ? VIRTQ_DESC_F_NEXT : 0, head + 1);
	test_set_desc(guest, queue, head + 1, TEST_GPA + AT_REPLY(slot), room, VIRTQ_DESC_F_WRITE,
	              0);
	test_offer(guest, queue, head);
	notify(queue);
}

static void ask(uint32_t slot, uint32_t opcode, uint64_t id, const void *body, size_t len)
{
	ask_of(slot, opcode, id, body, len, ROOM);
}

static int32_t error_of(uint32_t slot)
{
	struct fuse_out_header out;

	memcpy(&out, guest->memory + AT_REPLY(slot), sizeof(out));
	assert_true(out.len == UINT32_MAX || out.unique == 1000 + slot);
	return out.len == UINT32_MAX ? 1 : out.error;  // 1: none yet
}

static struct fuse_entry_out entry_of(uint32_t slot)
{
	struct fuse_entry_out entry;

	assert_int_equal(error_of(slot), 0);
	memcpy(&entry, guest->memory + AT_REPLY(slot) + sizeof(struct fuse_out_header),
	       sizeof(entry));
	return entry;
}

static int32_t asked(uint32_t opcode, uint64_t id, const void *body, size_t len)
{
	ask(3, opcode, id, body, len);
	return error_of(3);
}

// --- The provider --------------------------------------------------------------------------------

// Takes the next message of the session. Returns its type; 0: there is none.
static uint32_t take(struct provider *from)
{
	struct msg_files_fuse fuse;
	struct payload payload = { 0 };
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (channel_recv(from->session, &m) != 0)
		return 0;
	if (m.type == MSG_FILES_SESSION) {
		memcpy(&from->key, m.data, sizeof(from->key));
		return m.type;
	}
	assert_int_equal(message_decode_files_fuse(&m, &fuse, &tail, &tail_len), 0);
	from->offset = fuse.offset;
	payload.bytes = (struct span){ .data = tail, .len = tail_len };
	from->loan = m.num_handles > 0 && tail_len > 0 ? m.handles[0] : HANDLE_NONE;
	if (m.num_handles > 0 && tail_len == 0)
		assert_int_equal(
			payload_open_folio(m.handles[0], fuse.offset, fuse.length, &payload), 0);
	memcpy(from->request, payload.bytes.data, payload.bytes.len);
	memcpy(&from->in, from->request, sizeof(from->in));
	assert_int_equal(from->in.len, payload.bytes.len);
	payload_release(&payload);
	return m.type;
}

static uint32_t take_opcode(struct provider *from)
{
	return take(from) == MSG_FILES_FUSE ? from->in.opcode : 0;
}

static void answer(struct provider *from, uint64_t unique, int32_t error, const void *body,
                   size_t len)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + len),
		                       .error = error,
		                       .unique = unique };
	struct msg_files_fuse fuse = { .length = out.len };
	uint8_t bytes[1024];
	struct message m;

	memcpy(bytes, &out, sizeof(out));
	if (len > 0)
		memcpy(bytes + sizeof(out), body, len);
	if (out.len <= FILES_INLINE_MAX) {
		assert_int_equal(message_encode_files_fuse(&m, &fuse, bytes, out.len), 0);
	} else {
		assert_int_equal(message_encode_files_fuse(&m, &fuse, NULL, 0), 0);
		assert_int_equal(payload_copy(bytes, out.len, &m.handles[0]), 0);
		m.num_handles = 1;
	}
	assert_int_equal(channel_send(from->session, &m), 0);
	fake_loop_settle(&loop);
}

static void answer_entry(struct provider *from, uint64_t id)
{
	struct fuse_entry_out entry = { .nodeid = id };

	answer(from, from->in.unique, 0, &entry, sizeof(entry));
}

static void accept_session(struct provider *from, handle_t connector, const char *uri)
{
	struct message m;
	handle_t ends[2];

	from->connection = fake_provider_accept(connector);
	assert_int_not_equal(from->connection, HANDLE_NONE);
	fake_loop_settle(&loop);
	assert_int_equal(channel_recv(from->connection, &m), 0);
	assert_int_equal(m.type, MSG_OPEN);
	assert_true(m.len >= strlen(uri));
	assert_memory_equal(m.data + m.len - strlen(uri), uri, strlen(uri));
	assert_int_equal(channel_create(ends), 0);
	from->session = ends[0];
	assert_int_equal(open_reply_send(from->connection, 1, ends[1]), 0);
	fake_loop_settle(&loop);
	from->key = 0;
	assert_int_equal(take(from), MSG_FILES_SESSION);
	assert_int_not_equal(from->key, 0);
}

static void answer_init(struct provider *from, uint32_t flags)
{
	struct fuse_init_out out = { .major = 7,
		                     .minor = 38,
		                     .flags = flags,
		                     .max_write = FILES_MAX_DATA };

	assert_int_equal(take_opcode(from), FUSE_INIT);
	answer(from, from->in.unique, 0, &out, sizeof(out));
}

// What is looked up ahead of the guest finds nothing.
static void nothing_ahead(struct provider *from)
{
	const struct provider was = *from;

	while (take_opcode(from) == FUSE_LOOKUP)
		answer(from, from->in.unique, -2, NULL, 0);
	*from = was;
}

static void provider_dies(struct provider *from)
{
	fake_close(&from->connection);
	fake_close(&from->session);
	fake_loop_settle(&loop);
}

// The guest looks up the share and gets the node.
static void share_found(struct provider *from, handle_t connector, const char *number,
                        const char *uri, uint64_t id)
{
	ask(0, FUSE_LOOKUP, FUSE_ROOT_ID, number, strlen(number) + 1);
	if (from->session == HANDLE_NONE) {
		accept_session(from, connector, uri);
		answer_init(from, FILES_INIT_FLAGS);
	}
	assert_int_equal(take_opcode(from), FUSE_LOOKUP);
	answer_entry(from, id);
	nothing_ahead(from);
}

// The guest gets the node `id` below node 5 of the session in `slot`.
static void give(struct provider *from, uint32_t slot, uint64_t id)
{
	ask(0, FUSE_LOOKUP, NODE(slot, 5), "x", 2);
	assert_int_equal(take_opcode(from), FUSE_LOOKUP);
	answer_entry(from, id);
	assert_true(entry_of(0).nodeid == NODE(slot, id));
}

// Takes a batch of one look-up each of these nodes.
static void take_batch(struct provider *from, const uint64_t *ids, uint32_t count)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;

	assert_int_equal(take_opcode(from), FUSE_BATCH_FORGET);
	memcpy(&in, from->request + sizeof(from->in), sizeof(in));
	assert_int_equal(in.count, count);
	assert_int_equal(from->in.len, sizeof(from->in) + sizeof(in) + count * sizeof(one));
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&one, from->request + sizeof(from->in) + sizeof(in) + i * sizeof(one),
		       sizeof(one));
		assert_true(one.nodeid == ids[i] && one.nlookup == 1);
	}
}

// --- Tests ---------------------------------------------------------------------------------------

static int setup(void **state)
{
	static struct vm_share shares[] = { { .uri = FILES_HOST, .name = "0" },
		                            { .uri = FILES_VOLUMES, .name = "db", .make = true },
		                            { .uri = FILES_HOST, .name = "1" } };
	struct fuse_init_in in = { .major = 7, .minor = 40, .flags = UINT32_MAX };

	(void)state;
	fake_reset();
	memset(&machine, 0, sizeof(machine));
	memset(&p, 0, sizeof(p));
	memset(&q, 0, sizeof(q));
	guest = aligned_alloc(4096, sizeof(*guest));
	files = calloc(1, sizeof(*files));
	host = fake_connector_create();
	volumes = fake_connector_create();
	shares[0].connector = shares[2].connector = host;
	shares[1].connector = volumes;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(vm_files_create(files, &machine), 0);
	test_start_device(&files->device.mmio, 0);
	// A guest that is there before its shares waits for them.
	ask(2, FUSE_INIT, 0, &in, sizeof(in));
	assert_int_equal(asked(FUSE_GETATTR, FUSE_ROOT_ID, NULL, 0), -107);
	assert_int_equal(asked(FUSE_INIT, 0, &in, sizeof(in)), -107);
	assert_int_equal(error_of(2), 1);
	assert_int_equal(vm_files_bind(files, &loop, shares, 3), 0);
	assert_int_equal(vm_files_bind(files, &loop, shares, 3), ERR_EXISTS);
	assert_int_equal(error_of(2), 0);
	assert_int_equal(asked(FUSE_INIT, 0, &in, sizeof(in)), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vm_files_deinit(files);
	assert_int_equal(machine.lock_depth, 0);
	fake_close(&p.connection);
	fake_close(&p.session);
	fake_close(&q.connection);
	fake_close(&q.session);
	free(files);
	free(guest);
	return 0;
}

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
	vm_files_deinit(files);
	memset(files, 0, sizeof(*files));
	memset(&machine, 0, sizeof(machine));
	memset(guest, 0, sizeof(*guest));
	assert_int_equal(vm_files_create(files, &machine), 0);
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
	vm_files_deinit(files);
	memset(files, 0, sizeof(*files));
	memset(&machine, 0, sizeof(machine));
	memset(guest, 0, sizeof(*guest));
	assert_int_equal(vm_files_create(files, &machine), 0);
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
		TEST(what_is_not_given_is_forgotten),
		TEST(shares_are_bounded),
		TEST(each_session_has_a_slot),
		TEST(ids_that_are_none_are_refused),
		TEST(ids_are_translated),
		TEST(a_batch_is_shared_out),
		TEST(a_share_is_made),
		TEST(shares_are_looked_up_ahead),
		TEST(a_guest_that_asks_first_is_answered_by_itself),
		TEST(what_is_looked_up_ahead_is_made),
		TEST(what_is_lost_is_not_there),
		TEST(sessions_wait_for_the_guest),
		TEST(a_provider_that_comes_back_gets_what_is_unanswered),
		TEST(a_provider_may_go_before_it_greets),
		TEST(a_provider_that_stays_away_is_lost),
		TEST(a_provider_that_ends_again_and_again_is_lost),
		TEST(a_provider_that_lies_is_lost),
		TEST(all_providers_are_told_of_the_end),
		TEST(a_provider_must_greet_well),
		TEST(a_new_mount_is_a_new_session),
		TEST(what_is_written_lies_on_a_page),
		TEST(folios_are_lent_again),
		TEST(who_keeps_folios_is_lent_no_more),
		TEST(requests_wait_for_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
