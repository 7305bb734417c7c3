// SPDX-License-Identifier: MIT
//
// A guest with a file system device of three shares, and the providers of its two sessions.
#pragma once

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

static inline void notify(uint32_t queue)
{
	machine_enter(&machine);
	virtio_mmio_notified(&files->device.mmio, queue);
	machine_leave(&machine);
	fake_loop_settle(&loop);
}

// Makes a request in descriptors and buffers of `slot` (0 to 3), and does not tell of it. Returns
// its queue.
static inline uint32_t offer_of(uint32_t slot, uint32_t opcode, uint64_t id, const void *body,
                                size_t len, uint32_t room)
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
	return queue;
}

static inline void ask_of(uint32_t slot, uint32_t opcode, uint64_t id, const void *body, size_t len,
                          uint32_t room)
{
	notify(offer_of(slot, opcode, id, body, len, room));
}

static inline void ask(uint32_t slot, uint32_t opcode, uint64_t id, const void *body, size_t len)
{
	ask_of(slot, opcode, id, body, len, ROOM);
}

static inline int32_t error_of(uint32_t slot)
{
	struct fuse_out_header out;

	memcpy(&out, guest->memory + AT_REPLY(slot), sizeof(out));
	assert_true(out.len == UINT32_MAX || out.unique == 1000 + slot);
	return out.len == UINT32_MAX ? 1 : out.error;  // 1: none yet
}

static inline struct fuse_entry_out entry_of(uint32_t slot)
{
	struct fuse_entry_out entry;

	assert_int_equal(error_of(slot), 0);
	memcpy(&entry, guest->memory + AT_REPLY(slot) + sizeof(struct fuse_out_header),
	       sizeof(entry));
	return entry;
}

static inline int32_t asked(uint32_t opcode, uint64_t id, const void *body, size_t len)
{
	ask(3, opcode, id, body, len);
	return error_of(3);
}

// --- The provider --------------------------------------------------------------------------------

// Takes the next message of the session. Returns its type; 0: there is none.
static inline uint32_t take(struct provider *from)
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

static inline uint32_t take_opcode(struct provider *from)
{
	return take(from) == MSG_FILES_FUSE ? from->in.opcode : 0;
}

static inline void answer(struct provider *from, uint64_t unique, int32_t error, const void *body,
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

static inline void answer_entry(struct provider *from, uint64_t id)
{
	struct fuse_entry_out entry = { .nodeid = id };

	answer(from, from->in.unique, 0, &entry, sizeof(entry));
}

static inline void accept_session(struct provider *from, handle_t connector, const char *uri)
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

static inline void answer_init(struct provider *from, uint32_t flags)
{
	struct fuse_init_out out = { .major = 7,
		                     .minor = 38,
		                     .flags = flags,
		                     .max_write = FILES_MAX_DATA };

	assert_int_equal(take_opcode(from), FUSE_INIT);
	answer(from, from->in.unique, 0, &out, sizeof(out));
}

// What is looked up ahead of the guest finds nothing.
static inline void nothing_ahead(struct provider *from)
{
	const struct provider was = *from;

	while (take_opcode(from) == FUSE_LOOKUP)
		answer(from, from->in.unique, -2, NULL, 0);
	*from = was;
}

static inline void provider_dies(struct provider *from)
{
	fake_close(&from->connection);
	fake_close(&from->session);
	fake_loop_settle(&loop);
}

// The guest looks up the share and gets the node.
static inline void share_found(struct provider *from, handle_t connector, const char *number,
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
static inline void give(struct provider *from, uint32_t slot, uint64_t id)
{
	ask(0, FUSE_LOOKUP, NODE(slot, 5), "x", 2);
	assert_int_equal(take_opcode(from), FUSE_LOOKUP);
	answer_entry(from, id);
	assert_true(entry_of(0).nodeid == NODE(slot, id));
}

// Takes a batch of one look-up each of these nodes.
static inline void take_batch(struct provider *from, const uint64_t *ids, uint32_t count)
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

// --- Each test -----------------------------------------------------------------------------------

// A machine without a guest, whose device has no shares yet.
static inline void make_anew(void)
{
	vm_files_deinit(files);
	memset(files, 0, sizeof(*files));
	memset(&machine, 0, sizeof(machine));
	memset(guest, 0, sizeof(*guest));
	assert_int_equal(vm_files_create(files, &machine), 0);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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
