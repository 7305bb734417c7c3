// SPDX-License-Identifier: MIT
//
// A VM's files between a guest that does anything and providers that say anything, and come and go.
// What a session is sent has no ids but its own. At the end the VM goes, and nothing may be left.
#include <stdlib.h>

#include "libs/linux/vm/vm_files.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"
#include "libs/virtio/device_fuzz.h"

static struct test_guest memory, *guest = &memory;
static struct machine machine;
static struct loop loop;
static struct vm_files *files;

// Of "files" and of "volumes".
static struct other {
	handle_t connector;
	handle_t connection;
	handle_t session;
	bool begun;      // a session was sent its key
	uint64_t given;  // nodes that it gave
	// The last requests that wait for an answer.
	struct fuse_in_header asked[4];
	uint32_t num_asked;
} others[2];

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
	if (m->lock_depth++ != 0)
		abort();
}

void machine_leave(struct machine *m)
{
	m->lock_depth--;
}

// --- The providers -------------------------------------------------------------------------------

static void check_id(const struct other *other, const uint8_t *bytes, size_t len, size_t at)
{
	uint64_t id;

	if (at + sizeof(id) > len)
		abort();
	memcpy(&id, bytes + at, sizeof(id));
	if (id > 63 || (other->given & 1ull << id) == 0)
		abort();
}

// A request that a session got must be whole, and have ids of its own.
static void check_request(struct other *other, struct span request)
{
	struct fuse_batch_forget_in batch;
	struct fuse_in_header in;

	if (request.len < sizeof(in))
		abort();
	memcpy(&in, request.data, sizeof(in));
	if (in.len != request.len)
		abort();
	// The root is for lookups of shares, which the guest does not make.
	if (in.nodeid == FUSE_ROOT_ID && in.opcode != FUSE_LOOKUP && in.opcode != FUSE_MKDIR &&
	    in.opcode != FUSE_DESTROY)
		abort();
	if (in.nodeid != FUSE_ROOT_ID && in.opcode != FUSE_INIT && in.opcode != FUSE_BATCH_FORGET)
		check_id(other, request.data, request.len, offsetof(struct fuse_in_header, nodeid));
	if (in.opcode == FUSE_RENAME || in.opcode == FUSE_RENAME2 || in.opcode == FUSE_LINK)
		check_id(other, request.data, request.len, sizeof(in));
	if (in.opcode == FUSE_COPY_FILE_RANGE)
		check_id(other, request.data, request.len, sizeof(in) + 16);
	if (in.opcode == FUSE_BATCH_FORGET) {
		memcpy(&batch, request.data + sizeof(in), sizeof(batch));
		if (request.len != sizeof(in) + sizeof(batch) + batch.count * 16ul)
			abort();
		for (uint32_t i = 0; i < batch.count; i++)
			check_id(other, request.data, request.len, sizeof(in) + 8 + i * 16ul);
	}
	if (in.unique != 0)
		other->asked[other->num_asked++ % 4] = in;
}

static void take_request(struct other *other)
{
	struct msg_files_fuse fuse;
	struct payload payload = { 0 };
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (other->session == HANDLE_NONE || channel_recv(other->session, &m) != 0)
		return;
	if (m.type == MSG_FILES_SESSION) {
		other->begun = true;
		return;
	}
	if (!other->begun || message_decode_files_fuse(&m, &fuse, &tail, &tail_len) != 0)
		abort();
	payload.bytes = (struct span){ .data = tail, .len = tail_len };
	if (m.num_handles > 0) {
		m.num_handles = 0;
		if (payload_open_folio(m.handles[0], fuse.offset, fuse.length, &payload) != 0)
			return;  // no memory
	}
	check_request(other, payload.bytes);
	payload_release(&payload);
}

static void send_reply(struct other *other, uint8_t op, const void *body, size_t len, int32_t error)
{
	const struct fuse_in_header *in = &other->asked[(other->num_asked - 1) % 4];
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + len),
		                       .error = error,
		                       .unique = in->unique };
	struct msg_files_fuse fuse = { .length = out.len };
	uint8_t bytes[MESSAGE_MAX_DATA];

	if ((op & 0x78) == 0x78)
		out.unique ^= op;
	memcpy(bytes, &fuse, sizeof(fuse));
	memcpy(bytes + sizeof(fuse), &out, sizeof(out));
	memcpy(bytes + sizeof(fuse) + sizeof(out), body, len);
	fake_say(other->session, MSG_FILES_FUSE, bytes,
	         op == 0xf7 ? op % 40u : sizeof(fuse) + out.len, fake_cargo(op == 0xf8, true),
	         4096);
}

// Answers what was asked for last, well or badly.
static void answer(struct other *other, uint8_t op)
{
	struct fuse_init_out init = { .major = 7,
		                      .minor = 38,
		                      .flags = op == 0xf0 ? 0 : UINT32_MAX,
		                      .max_write = FILES_MAX_DATA };
	union {
		struct fuse_entry_out entry;
		struct fuse_direntplus dirent;
	} body = { .dirent = { .entry_out = { .nodeid = 2 + op % 8u },
		               .dirent = { .namelen = op == 0xf1 ? 999 : 0 } } };

	if (other->num_asked == 0)
		return;
	if (op == 0xf2)
		body.entry.nodeid = UINT64_MAX;
	other->given |= 1ull << (2 + op % 8u);
	if (other->asked[(other->num_asked - 1) % 4].opcode == FUSE_INIT)
		send_reply(other, op, &init, sizeof(init), 0);
	else
		send_reply(other, op, &body, op % 3 == 0 ? 0 : sizeof(body),
		           op % 3 == 0 ? -(int32_t)(op % 32) : 0);
	other->num_asked--;
}

static void session_opens(struct other *other, uint8_t op)
{
	handle_t ends[2], none;
	struct message m;

	if (other->connection == HANDLE_NONE)
		other->connection = fake_provider_accept(other->connector);
	if (other->session != HANDLE_NONE || !fake_take(other->connection, &m, &none))
		return;
	fake_close(&none);
	if (op >> 4 == 15 || channel_create(ends) != 0) {
		error_send(other->connection, 1, ERR_NOT_FOUND, "none");
		return;
	}
	other->session = ends[0];
	other->begun = false;
	other->num_asked = 0;
	if (open_reply_send(other->connection, 1, ends[1]) != 0)
		handle_close(ends[1]);
}

static void other_dies(struct other *other)
{
	fake_close(&other->connection);
	fake_close(&other->session);
	other->num_asked = 0;
}

// --- The guest -----------------------------------------------------------------------------------

// A request in the usual rings, most of the time one that can be.
static void guest_asks(uint8_t op)
{
	static const uint32_t opcodes[] = { FUSE_LOOKUP,  FUSE_GETATTR, FUSE_READDIRPLUS,
		                            FUSE_RENAME,  FUSE_LINK,    FUSE_COPY_FILE_RANGE,
		                            FUSE_FORGET,  FUSE_MKDIR,   FUSE_BATCH_FORGET,
		                            FUSE_INIT,    FUSE_CREATE,  FUSE_DESTROY,
		                            FUSE_RENAME2, FUSE_WRITE,   FUSE_SYMLINK,
		                            FUSE_RELEASE };
	static uint32_t count;
	uint32_t place = count++ % 4;
	uint32_t at = TEST_BUFFERS + place * 1024;
	uint64_t slot = op >> 4 & 3;
	struct fuse_in_header in = { .len = op % 7 == 0 ? sizeof(in) + 8 : sizeof(in) + 72,
		                     .opcode = opcodes[op & 15],
		                     .nodeid = slot << 56 | (slot == 0 ? 1u : 2 + op % 8u) };
	uint64_t words[9] = { 3, in.nodeid, in.nodeid, 4, 1ull << 56 | 3, 5, 2ull << 56 | 4, 6, 7 };
	uint32_t queue = in.opcode == FUSE_FORGET || in.opcode == FUSE_BATCH_FORGET ? 0 : 1;

	if (slot == 0 && in.opcode == FUSE_LOOKUP) {
		in.len = sizeof(in) + 2;
		words[0] = '0' + (op >> 6);
	} else if (in.opcode == FUSE_INIT) {
		words[0] = 7 | 40ull << 32;
		words[1] = UINT64_MAX;
	} else if ((op & 0xc0) != 0xc0) {
		words[0] = in.opcode == FUSE_BATCH_FORGET ? 4 : in.nodeid;
	}
	memcpy(guest->memory + at, &in, sizeof(in));
	memcpy(guest->memory + at + sizeof(in), words, sizeof(words));
	test_set_desc(guest, queue, (uint16_t)(place * 2), TEST_GPA + at, in.len, VIRTQ_DESC_F_NEXT,
	              (uint16_t)(place * 2 + 1));
	test_set_desc(guest, queue, (uint16_t)(place * 2 + 1), TEST_GPA + at + 512, 512,
	              VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, queue, (uint16_t)(place * 2));
	// Of a forget Linux does not always tell.
	if (queue == 0 && (op & 1) != 0)
		return;
	machine_enter(&machine);
	virtio_mmio_notified(&files->device.mmio, queue);
	machine_leave(&machine);
}

static void step(void *context, uint8_t op)
{
	struct other *other = &others[op & 1];
	uint8_t how = op >> 1;

	(void)context;
	switch (how % 8) {
	case 0: session_opens(other, op); break;
	case 1: fake_memory_fail(op >> 4); break;
	case 2:
		if (op >> 4 == 3)
			other_dies(other);
		else
			take_request(other);
		break;
	case 3:
		if (op >> 4 == 5)
			fake_time_pass(31 * NSEC_PER_SEC);
		else if (op >> 4 == 6)
			fake_time_pass(20 * NSEC_PER_MSEC);
		else
			answer(other, (uint8_t)(op ^ op >> 4));
		break;
	case 4: guest_asks((uint8_t)(op >> 4 | op << 4)); break;
	case 5: guest_asks((uint8_t)(op * 7u)); break;
	case 6:
		session_opens(other, 0);
		fake_loop_settle(&loop);
		for (int i = 0; i < 4; i++)
			take_request(other);
		break;
	default: answer(other, op); break;
	}
	fake_loop_settle(&loop);
	if (machine.lock_depth != 0)
		abort();
}

// --- An input ------------------------------------------------------------------------------------

static void bind(void)
{
	struct vm_share shares[] = { { .uri = FILES_HOST, .name = "0" },
		                     { .uri = FILES_VOLUMES, .name = "db", .make = true },
		                     { .uri = FILES_VOLUMES, .name = "web" },
		                     { .uri = FILES_HOST, .name = "1" } };

	for (size_t i = 0; i < 4; i++)
		shares[i].connector = others[i % 3 != 0].connector;
	if (vm_files_bind(files, &loop, shares, 4) != 0)
		abort();
}

static void others_go(void)
{
	for (size_t i = 0; i < 2; i++) {
		other_dies(&others[i]);
		do {
			fake_close(&others[i].connection);
			others[i].connection = fake_provider_accept(others[i].connector);
		} while (others[i].connection != HANDLE_NONE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t handles, allocated;

	fake_reset();
	memset(&machine, 0, sizeof(machine));
	memset(others, 0, sizeof(others));
	files = calloc(1, sizeof(*files));
	others[0].connector = fake_connector_create();
	others[1].connector = fake_connector_create();
	if (loop_init(&loop) != 0 || vm_files_create(files, &machine) != 0)
		abort();
	handles = fake_num_handles();
	allocated = fake_num_allocated();
	if (size % 8 == 1)
		vm_files_rehearse(files);
	else if (size % 8 != 0)
		bind();
	fuzz_device(guest, &files->device.mmio, data, size, step, NULL, NULL);
	// What has waited for that, maybe since before a reset, ends.
	if (size % 8 <= 1)
		bind();
	fake_memory_fail(0);
	vm_files_deinit(files);
	others_go();
	if (fake_num_handles() != handles || fake_num_allocated() != allocated)
		abort();
	free(files);
	return 0;
}
